"""Asynchronous drivers that follow PEP 249 but for the awaiting: psycopg and mysql-connector-python."""

from __future__ import absolute_import

from .dbapi_rows import CONNECTOR, PSYCOPG
from .operation_py3 import around_async
from .patch import Row


def _cursor(driver, module, name):
    handler = around_async(driver.describe, driver.finish)
    return [Row(module, '%s.%s' % (name, method), handler) for method in ('execute', 'executemany')]


ROWS = (
    _cursor(PSYCOPG, 'psycopg.cursor_async', 'AsyncCursor')
    + _cursor(PSYCOPG, 'psycopg._server_cursor_async', 'AsyncServerCursor')
    + _cursor(PSYCOPG, 'psycopg.server_cursor', 'AsyncServerCursor')
    + _cursor(CONNECTOR, 'mysql.connector.aio.cursor', 'MySQLCursor')
)
