"""SQL through any driver: sqlite3 by its factories, others by proxies (here over sqlite3 too, a real PEP 249 driver)."""

from __future__ import absolute_import

import sqlite3
import types

from pyagent.core import lifecycle
from pyagent.instrument import dbapi, dbapi_proxy, patch
from pyagent.instrument.patch import Row

from .support import HookCase, environ


class Sqlite(HookCase):
    def work(self, use):
        request = lifecycle.begin(environ())
        connection = sqlite3.connect(':memory:')
        result = use(connection)
        lifecycle.end(request)
        return result, [(o.text, o.parameterised, o.dialect) for o in request.operations if o.kind == 'sql']

    def test_cursors(self):
        """execute with and without parameters, executemany and executescript; results are the driver's own."""

        def use(connection):
            cursor = connection.cursor()
            cursor.execute('create table t (a)')
            cursor.executemany('insert into t values (?)', [(1,), (2,)])
            cursor.executescript('insert into t values (3); select 1')
            return cursor.execute('select a from t where a > ?', (1,)).fetchall()

        result, found = self.work(use)
        self.assertEqual(result, [(2,), (3,)])
        self.assertEqual([p for _, p, _ in found], [False, True, False, True])
        self.assertEqual(found[0], ('create table t (a)', False, 'sqlite'))

    def test_connection_shortcuts(self):
        """Connection.execute is an operation too, and the connection is still a sqlite3.Connection."""
        result, found = self.work(lambda c: (isinstance(c, sqlite3.Connection), c.execute('select 7').fetchone()))
        self.assertEqual(result, (True, (7,)))
        self.assertEqual([text for text, _, _ in found], ['select 7'])

    def test_the_apps_own_classes(self):
        """An app's own connection and cursor classes stay what they are."""

        class Mine(sqlite3.Connection):
            pass

        class Marker(sqlite3.Cursor):
            def twice(self):
                return 2

        connection = sqlite3.connect(':memory:', factory=Mine)
        self.assertIsInstance(connection, Mine)
        self.assertEqual(connection.cursor(Marker).twice(), 2)

    def test_errors(self):
        """A statement that fails raises the driver's error and is told with it."""
        request = lifecycle.begin(environ())
        self.assertRaises(sqlite3.OperationalError, sqlite3.connect(':memory:').execute, 'selec')
        lifecycle.end(request)
        self.assertEqual([o.error for o in request.operations if o.kind == 'sql'], ['OperationalError'])


class Proxies(HookCase):
    def setUp(self):
        super(Proxies, self).setUp()
        driver = types.ModuleType('anydriver')
        driver.connect = sqlite3.connect.__wrapped__
        patch.install(Row('anydriver', 'connect', dbapi_proxy.connect_by_proxy(dbapi.Driver('any', 'any'))), driver)
        self.connection = driver.connect(':memory:')

    def test_statements(self):
        """Statements are operations; rows, iteration, with and attributes are the driver's."""

        def work():
            cursor = self.connection.cursor()
            self.assertIs(cursor.execute('select 1 union select 2'), cursor)
            self.assertEqual([row[0] for row in cursor], [1, 2])
            self.assertEqual(cursor.description[0][0], '1')
            cursor.arraysize = 7
            self.assertEqual(cursor.arraysize, 7)
            with self.connection as same:
                self.assertIs(same, self.connection)

        self.assertEqual(self.operations(work), [('sql', 'select 1 union select 2', 'any')])

    def test_shortcut_and_end(self):
        """What the proxy does not know is handed through."""
        self.connection.create_function('f', 0, lambda: 5)
        self.assertEqual(self.connection.cursor().execute('select f()').fetchone(), (5,))
        self.connection.close()
        self.assertRaises(sqlite3.ProgrammingError, self.connection.cursor)
