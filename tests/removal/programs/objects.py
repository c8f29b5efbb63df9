"""Things of an app that were made while the agent was on, and are used after it was turned off.

Each function is a generator: it makes something, yields (meanwhile the agent is turned off, and perhaps on again: that
is what it gets), and uses it; what it asserts is what holds without an agent. In the grammar of 2.7.
"""

from __future__ import absolute_import

import io
import os
import pickle
import socket
import sqlite3
import subprocess
import sys
import threading
import traceback

from pyagent.core import context
from pyagent.instrument.dbapi import Driver
from pyagent.instrument.dbapi_proxy import connect_by_proxy
from tests.pyagent.support import environ

ECHO = [sys.executable, '-S', '-c', 'print(7)']


def copies():
    """Functions that were imported by name: they do what they did, and are pickled as what they are."""
    from os import open as open_
    from os import system
    from sqlite3 import connect
    from subprocess import Popen

    kept_open = open
    assert pickle.loads(pickle.dumps([system, open_])) == [system, open_]
    on = yield
    assert system('true') == 0
    os.close(open_(os.devnull, os.O_RDONLY))
    with kept_open(os.devnull) as file:
        assert file.read() == ''
    assert connect(':memory:').execute('select 1').fetchone() == (1,)
    assert Popen(ECHO, stdout=subprocess.PIPE).communicate()[0] == b'7\n'
    assert (system is os.system) == on
    assert pickle.loads(pickle.dumps([os.system, os.open])) == [os.system, os.open]


def sqlite_connections():
    """A connection and a cursor of the classes that are lent to sqlite3."""
    connection = sqlite3.connect(':memory:')
    cursor = connection.cursor()
    cursor.execute('create table t (a)')
    assert type(connection) is not sqlite3.Connection
    on = yield
    cursor.executemany('insert into t values (?)', [(1,), (2,)])
    assert connection.cursor().execute('select sum(a) from t').fetchone() == (3,)
    assert connection.execute('select count(*) from t').fetchone() == (2,)
    with connection:
        connection.executescript('drop table t')
    try:
        connection.execute('select * from t')
        raise AssertionError('a table that was dropped')
    except sqlite3.OperationalError:
        pass
    connection.close()
    assert (type(sqlite3.connect(':memory:')) is sqlite3.Connection) == (not on)


def proxied_connections():
    """A connection behind the proxy for drivers in C that lend no classes (sqlite3 stands in for one)."""
    handler = connect_by_proxy(Driver('any', 'any'))
    connection = handler(sqlite3.connect, (':memory:',), {})
    cursor = connection.cursor()
    yield
    assert cursor.execute('select 1').fetchall() == [(1,)]
    assert list(connection.cursor().execute('select 2')) == [(2,)]
    assert isinstance(connection, sqlite3.Connection)
    connection.close()


def answers_under_way():
    """A request whose view has returned a generator, and one that is in the midst of its view."""
    from pyagent.instrument import wsgi

    def application(environ, start_response):
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return (part for part in [b'one', environ['wsgi.input'].read(), b'three'])

    given = environ(CONTENT_LENGTH='3', **{'wsgi.input': io.BytesIO(b'two')})
    body = wsgi.wrap(application)(given, lambda status, headers, *exc_info: None)
    parts = [next(body)]
    request = context.current()
    assert request is not None
    yield
    assert parts + list(body) == [b'one', b'two', b'three']
    body.close()
    assert request.ended
    assert context.current() is None


def loaded_applications():
    """What a server was given as its application goes on being one."""
    from wsgiref.handlers import SimpleHandler

    answers = []

    def application(environ, start_response):
        start_response('200 OK', [])
        return [b'body']

    class Handler(SimpleHandler):
        def run(self, app):
            answers.append(app)
            return SimpleHandler.run(self, app)

    def serve():
        out = io.BytesIO()
        Handler(io.BytesIO(), out, sys.stderr, environ()).run(application)
        return out.getvalue()

    assert serve().endswith(b'body')
    yield
    assert serve().endswith(b'body')
    assert answers == [application, application]


def threads_and_pools():
    """A thread that was started for a request, and one that was not started yet."""
    release, seen = threading.Event(), []

    def work(name):
        release.wait(10)
        seen.append(name)

    running, waiting = threading.Thread(target=work, args=(1,)), threading.Thread(target=work, args=(2,))
    running.start()
    yield
    waiting.start()
    release.set()
    running.join(10)
    waiting.join(10)
    assert sorted(seen) == [1, 2]
    assert 'run' not in vars(running)


def connections():
    """A socket that was connected, and one that was not yet."""
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(5)
    first, second = socket.socket(), socket.socket()
    first.connect(listener.getsockname())
    yield
    second.connect(listener.getsockname())
    for client in (first, second):
        server = listener.accept()[0]
        client.sendall(b'x')
        assert server.recv(1) == b'x'
        server.close()
        client.close()
    listener.close()


def processes():
    """A process that was started."""
    process = subprocess.Popen(ECHO, stdout=subprocess.PIPE)
    yield
    assert process.communicate()[0] == b'7\n'
    assert process.returncode == 0


ALL = [
    copies, sqlite_connections, proxied_connections, answers_under_way, loaded_applications, threads_and_pools,
    connections, processes,
]  # fmt: skip


def run(functions, enable, disable):
    """Make all, turn off, use all; then once more, turned on again before they are used. Returns what went wrong."""
    problems = []
    for function in functions:
        for again in (False, True):
            enable()
            thing = function()
            _step(function, thing, None, problems)
            disable()
            if again:
                enable()
            _step(function, thing, again, problems)
            disable()
    return problems


def _step(function, thing, on, problems):
    try:
        thing.send(on)
    except StopIteration:
        pass
    except Exception:
        problems.append('%s: %s' % (function.__name__, traceback.format_exc()[-1500:]))
