"""How each driver connects; runs on 2.7 and later."""

import os

PARAMETERS = {
    'format': "SELECT name FROM users WHERE id = %s",
    'qmark': "SELECT name FROM users WHERE id = ?",
}  # fmt: skip


def settings(kind):
    """What the test says of a server: COWITNESS_TEST_POSTGRESQL and _MARIADB hold a port."""
    port = int(os.environ['COWITNESS_TEST_' + kind.upper()])
    return {'host': '127.0.0.1', 'port': port, 'user': 'shop', 'password': 'shop'}


def connect(driver):
    """A connection of this driver to the server it is for, and the module."""
    made = {'sqlite3': _sqlite, 'psycopg2': _psycopg2, 'psycopg': _psycopg, 'pymysql': _pymysql, 'MySQLdb': _mysqldb,
            'mysql.connector': _connector, 'mysql.connector pure': _connector_pure, 'mariadb': _mariadb}  # fmt: skip
    return made[driver]()


def _sqlite():
    import sqlite3

    connection = sqlite3.connect(':memory:')
    connection.executescript(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(40), age INTEGER);"
        "INSERT INTO users VALUES (1, 'ada', 36), (2, 'alan', 41), (3, 'grace', 85);"
    )
    return connection, sqlite3


def _psycopg2():
    import psycopg2

    return psycopg2.connect(dbname='shop', **settings('postgresql')), psycopg2


def _psycopg():
    import psycopg

    return psycopg.connect(dbname='shop', **settings('postgresql')), psycopg


def _pymysql():
    import pymysql

    return pymysql.connect(database='shop', **settings('mariadb')), pymysql


def _mysqldb():
    import MySQLdb

    given = settings('mariadb')
    given['passwd'] = given.pop('password')
    return MySQLdb.connect(db='shop', **given), MySQLdb


def _connector():
    import mysql.connector

    given = dict(settings('mariadb'), collation='utf8mb4_general_ci')
    return mysql.connector.connect(database='shop', **given), mysql.connector


def _connector_pure():
    import mysql.connector

    given = dict(settings('mariadb'), use_pure=True, collation='utf8mb4_general_ci')
    return mysql.connector.connect(database='shop', **given), mysql.connector


def _mariadb():
    import mariadb

    return mariadb.connect(database='shop', **settings('mariadb')), mariadb
