"""`exercise.py DRIVER`: use a driver in every way, with the agent in the process, and print as JSON what the app saw.

With COWITNESS_TEST_AGENT=1 the operations that the agent saw are printed, too. Runs on 2.7 and later.
"""

import json
import os
import sys

import pyagent
from pyagent.core import lifecycle
from tests.databases import drivers

DRIVER = sys.argv[1]
NAMED = {'sqlite3': 'qmark', 'mariadb': 'qmark'}


def begin():
    """A request as a server would begin it."""
    return lifecycle.begin({'REQUEST_METHOD': 'GET', 'PATH_INFO': '/', 'wsgi.url_scheme': 'http'})


def seen(function, *args, **kwargs):
    """What a call returned, or which exception it raised."""
    try:
        return repr(function(*args, **kwargs))
    except Exception as error:
        return type(error).__module__ + '.' + type(error).__name__


def use(connection, module):
    """Every way, each with what it gave."""
    cursor = connection.cursor()
    select = drivers.PARAMETERS[NAMED.get(DRIVER, 'format')]
    mark = '?' if '?' in select else '%s'
    insert = 'INSERT INTO users VALUES (%s, %s, %s)' % (mark, mark, mark)
    cursor.execute("SELECT name, age FROM users WHERE name = 'ada'")
    yield 'plain', repr(cursor.fetchall())
    cursor.execute(select, (2,))
    yield 'parameters', repr(cursor.fetchone()) + repr(cursor.fetchall())
    cursor.executemany(insert, [(4, 'a', 1), (5, 'b', 2)])
    yield 'many', repr(cursor.rowcount)
    cursor.execute("UPDATE users SET age = age + 1 WHERE id > 3")
    yield 'rowcount', repr(cursor.rowcount)
    yield 'description', repr(cursor.description)
    connection.rollback()
    cursor.execute('SELECT count(*) FROM users')
    yield 'rolled back', repr(cursor.fetchall())
    yield 'error', seen(cursor.execute, 'SELEC')
    connection.rollback()
    yield 'wrong call', seen(cursor.execute)
    yield 'iteration', iterate(connection)
    yield 'types', repr([type(connection).__name__, type(connection).__module__, type(cursor).__name__])
    yield 'names', repr(sorted(n for n in dir(cursor) if 'cowitness' in n.lower()))
    for more in special(connection, module):
        yield more
    cursor.close()
    yield 'closed', seen(cursor.execute, 'SELECT 1')
    connection.close()


def iterate(connection):
    """Rows by iteration, where the driver has it."""
    cursor = connection.cursor()
    cursor.execute('SELECT id FROM users ORDER BY id')
    return repr([row[0] for row in (cursor if hasattr(cursor, '__iter__') else cursor.fetchall())])


def special(connection, module):
    """What only some drivers have."""
    if DRIVER == 'psycopg2':
        return psycopg2_special(connection, module)
    if DRIVER == 'psycopg':
        return psycopg_special(connection, module)
    if DRIVER == 'sqlite3':
        return sqlite_special(connection, module)
    return mysql_special(connection, module)


def psycopg2_special(connection, module):
    from psycopg2 import extensions, extras, sql

    yield 'isinstance', repr(isinstance(connection, extensions.connection))
    extras.register_uuid(None, connection)
    extensions.register_type(extensions.UNICODE, connection)
    with connection:
        with connection.cursor(cursor_factory=extras.RealDictCursor) as cursor:
            cursor.execute(sql.SQL('SELECT {} FROM users WHERE id = 1').format(sql.Identifier('name')))
            yield 'dict', repr(dict(cursor.fetchone()))
            extras.execute_values(cursor, 'INSERT INTO users VALUES %s', [(7, 'x', 1), (8, 'y', 2)])
            yield 'values', repr(cursor.rowcount)
        with connection.cursor('named') as cursor:
            cursor.execute('SELECT id FROM users ORDER BY id')
            yield 'named', repr(cursor.fetchmany(2))
        cursor = connection.cursor()
        cursor.callproc('upper', ('abc',))
        yield 'callproc', repr(cursor.fetchone())
        connection.rollback()
    given = dict(drivers.settings('postgresql'), dbname='shop', connection_factory=extras.DictConnection)
    other = module.connect(**given)
    cursor = other.cursor()
    cursor.execute('SELECT name FROM users WHERE id = 3')
    yield 'connection factory', repr([cursor.fetchone()['name'], isinstance(other, extras.DictConnection)])
    other.close()
    given.pop('connection_factory')
    other = module.connect(cursor_factory=extras.NamedTupleCursor, **given)
    cursor = other.cursor()
    cursor.execute('SELECT name FROM users WHERE id = 3')
    yield 'cursor factory', repr(cursor.fetchone().name)
    other.close()


def psycopg_special(connection, module):
    from psycopg import sql
    from psycopg.rows import dict_row

    yield 'isinstance', repr(isinstance(connection, module.Connection))
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(sql.SQL('SELECT {} FROM users WHERE id = 1').format(sql.Identifier('name')))
        yield 'dict', repr(cursor.fetchone())
    with connection.cursor('named') as cursor:
        cursor.execute('SELECT id FROM users ORDER BY id')
        yield 'named', repr(cursor.fetchmany(2))
    yield 'shortcut', repr(connection.execute('SELECT 1').fetchone())
    with connection.pipeline(), connection.cursor() as cursor:
        cursor.execute('SELECT 2')
        yield 'pipeline', repr(cursor.fetchone())


def sqlite_special(connection, module):
    class Upper(module.Cursor):
        def fetchone(self):
            return tuple(str(value).upper() for value in super(Upper, self).fetchone())

    class Mine(module.Connection):
        def cursor(self):
            return super(Mine, self).cursor(Upper)

    yield 'isinstance', repr(isinstance(connection, module.Connection))
    other = module.connect(':memory:', factory=Mine)
    cursor = other.cursor()
    cursor.execute("SELECT 'abc'")
    yield 'connection factory', repr([cursor.fetchone(), isinstance(cursor, Upper)])
    connection.row_factory = module.Row
    yield 'row factory', repr(connection.execute('SELECT 1 AS one').fetchone()['one'])


def mysql_special(connection, module):
    cursor = connection.cursor()
    cursor.execute("SELECT 'it''s', \"double\", 'back\\\\slash'")
    yield 'quotes', repr(cursor.fetchall())
    cursor.close()


def main():
    pyagent.enable()
    request = begin() if os.environ.get('COWITNESS_TEST_AGENT') else None
    if request is None:
        pyagent.disable()
    connection, module = drivers.connect(DRIVER)
    found = [list(pair) for pair in use(connection, module)]
    operations = []
    for o in request.operations if request is not None else ():
        if o.kind == 'sql':
            text = o.text.decode('utf-8') if isinstance(o.text, bytes) else o.text
            timed = o.duration > 0
            operations.append([text, o.dialect, o.parameterised, o.rows, o.server, o.error, len(o.stack), timed])
    print(json.dumps({'app': found, 'agent': operations, 'problems': pyagent.status()['problems']}))


if __name__ == '__main__':
    main()
