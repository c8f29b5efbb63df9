"""PEP 249: every statement that a cursor executes is an operation. One description for all drivers; `dbapi_rows` says
where each of them executes.
"""

from __future__ import absolute_import

import weakref

from ..core import context
from ..core.context import Operation
from ..core.names import integer_types
from .operation import around

METHODS = ('execute', 'executemany', 'executescript', 'callproc', 'copy_expert')
_NAMES = ('query', 'operation', 'statement', 'sql', 'procname')
MOST_ROWS = 1 << 62


class Driver(object):
    """What is known of a driver.

    `system`: its module; `dialect`: what its statements are in, by OpenTelemetry's db.system.name (sqlite, postgresql,
    mysql, mariadb); `server(connection)` returns (address, port) and is asked once for a connection.
    """

    def __init__(self, system, dialect, server=None, connection=('connection',)):
        self.system, self.dialect = system, dialect
        self._server, self._connection = server, connection
        self._known = weakref.WeakKeyDictionary()
        self.handler = around(self.describe, self.finish)
        self.call_handler = around(self.describe_call, self.finish)

    def describe(self, args, kwargs):
        """Describe cursor.execute(self, statement, parameters); what runs beneath another statement is part of it."""
        outer, statement = context.innermost(), _statement(args, kwargs)
        if statement is None or (outer is not None and outer.kind == 'sql'):
            return None
        return self._operation(args, kwargs, _text(statement, args[0]))

    def describe_call(self, args, kwargs):
        """Describe cursor.callproc(self, name, parameters)."""
        operation = self.describe(args, kwargs)
        if operation is not None:
            operation.text = 'CALL %s' % operation.text
        return operation

    def _operation(self, args, kwargs, text):
        parameters = args[2] if len(args) > 2 else None
        more = parameters is None and len(kwargs) + len(args) > 2
        operation = Operation(
            'sql', text, self.system, dialect=self.dialect, parameterised=bool(parameters) or more
        )
        if self._server is not None:
            operation.server = self.server(self._connection_of(args[0]))
        return operation

    def finish(self, operation, args, result):
        """How many rows the statement touched or holds, where the driver knows already."""
        rows = getattr(args[0], 'rowcount', None)
        if isinstance(rows, integer_types) and 0 <= rows < MOST_ROWS:
            operation.rows = rows

    def _connection_of(self, cursor):
        for name in self._connection:
            found = getattr(cursor, name, None)
            if found is not None:
                return found
        return None

    def server(self, connection):
        """(address, port) of a connection; a socket's path has port 0. A closed cursor has no connection."""
        if connection is None:
            return None
        if isinstance(connection, weakref.ProxyTypes):
            return self._server(connection)
        found = self._known.get(connection)
        if found is None:
            found = self._known[connection] = self._server(connection)
        return found

    def learn(self, connection, address, port):
        """Remember where a connection leads that does not tell itself."""
        self._known[connection] = address, port


def _statement(args, kwargs):
    if len(args) > 1:
        return args[1]
    return next((kwargs[name] for name in _NAMES if name in kwargs), None)


def _text(statement, cursor):
    """A statement as text or bytes; drivers take objects too (psycopg's sql.Composed)."""
    if isinstance(statement, (str, bytes)) or hasattr(statement, 'encode'):
        return statement
    if hasattr(statement, 'as_string'):
        return statement.as_string(cursor)
    return str(statement)
