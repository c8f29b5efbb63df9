"""Where each PEP 249 driver executes statements. Drivers in Python are hooked at their cursor classes."""

from __future__ import absolute_import

from .dbapi import Driver
from .dbapi_classes import connect_handler, psycopg2_bottom, sqlite_bottom
from .dbapi_proxy import connect_by_proxy
from .patch import Row, after


def _info(connection):
    """psycopg: what libpq is connected to."""
    info = connection.info
    return info.host or '', int(info.port or 0)


def _host(connection):
    """PyMySQL."""
    path = getattr(connection, 'unix_socket', None)
    return (path, 0) if path else (connection.host, connection.port)


def _server_host(connection):
    """mysql-connector-python."""
    path = getattr(connection, 'unix_socket', None)
    return (path, 0) if path else (connection.server_host, connection.server_port)


def _server_name(connection):
    """mariadb: a host is named only where there is one."""
    if connection.unix_socket:
        return connection.unix_socket, 0
    return connection.server_name, connection.server_port


def _unknown(connection):
    return '', 0


SQLITE = Driver('sqlite3', 'sqlite')
PSYCOPG2 = Driver('psycopg2', 'postgresql', _info)
PSYCOPG = Driver('psycopg', 'postgresql', _info)
PYMYSQL = Driver('pymysql', 'mysql', _host)
MYSQLDB = Driver('MySQLdb', 'mysql', _unknown)
CONNECTOR = Driver('mysql.connector', 'mysql', _server_host, ('_connection', '_cnx'))
MARIADB = Driver('mariadb', 'mariadb', _server_name)


def _sqlite_class():
    import sqlite3

    return sqlite3.Connection


def _psycopg2_class():
    from psycopg2 import extensions

    return extensions.connection


@after
def mysqldb_connected(args, kwargs, result):
    """MySQLdb's Connection.__init__(self, host=None, user=None, ...): the connection does not tell its server later."""
    host = args[1] if len(args) > 1 else kwargs.get('host')
    path = kwargs.get('unix_socket')
    MYSQLDB.learn(args[0], path or host or 'localhost', 0 if path else kwargs.get('port') or 3306)


def _cursor(driver, module, name, methods=('execute', 'executemany', 'callproc')):
    rows = []
    for method in methods:
        handler = driver.call_handler if method == 'callproc' else driver.handler
        rows.append(Row(module, '%s.%s' % (name, method), handler))
    return rows


_sqlite = connect_handler(SQLITE, 'factory', 5, _sqlite_class, sqlite_bottom)
_psycopg2 = connect_handler(PSYCOPG2, 'connection_factory', 1, _psycopg2_class, psycopg2_bottom)
_BOTH = ('execute', 'executemany')

ROWS = (
    [
        Row('sqlite3', 'connect', _sqlite),
        Row('sqlite3.dbapi2', 'connect', _sqlite),
        Row('psycopg2', 'connect', _psycopg2),
        Row('MySQLdb.connections', 'Connection.__init__', mysqldb_connected),
    ]
    + _cursor(PSYCOPG, 'psycopg.cursor', 'Cursor', _BOTH)
    + _cursor(PSYCOPG, 'psycopg._server_cursor', 'ServerCursor', _BOTH)
    + _cursor(PSYCOPG, 'psycopg.server_cursor', 'ServerCursor', _BOTH)
    + _cursor(PYMYSQL, 'pymysql.cursors', 'Cursor')
    + _cursor(MYSQLDB, 'MySQLdb.cursors', 'BaseCursor')
    + _cursor(CONNECTOR, 'mysql.connector.cursor', 'MySQLCursor')
    + _cursor(CONNECTOR, 'mysql.connector.cursor', 'MySQLCursorPrepared', _BOTH)
    + _cursor(CONNECTOR, 'mysql.connector.cursor_cext', 'CMySQLCursor')
    + _cursor(CONNECTOR, 'mysql.connector.cursor_cext', 'CMySQLCursorPrepared', _BOTH)
    + _cursor(MARIADB, 'mariadb.cursors', 'Cursor')
)
for _module, _dialect in (
    ('pyodbc', ''),
    ('pymssql', ''),
    ('oracledb', 'oracle.db'),
    ('cx_Oracle', 'oracle.db'),
):
    ROWS.append(Row(_module, 'connect', connect_by_proxy(Driver(_module, _dialect))))
