"""What the applications of the fault tests do: a bit of everything that is hooked. `DONE` keeps what was really done.

In the grammar of 2.7.
"""

from __future__ import absolute_import

import os
import sqlite3
import subprocess
import threading

import pyagent
from pyagent.instrument.dbapi import Driver
from pyagent.instrument.dbapi_proxy import connect_by_proxy

try:
    from http.client import HTTPConnection
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from urllib.request import urlopen
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from httplib import HTTPConnection
    from urllib2 import urlopen
try:
    from concurrent.futures import ThreadPoolExecutor
except ImportError:
    ThreadPoolExecutor = None

DONE = []
_proxied = connect_by_proxy(Driver('any', 'any'))


class Other(HTTPServer):
    """Another service, on loopback; every request that arrives is written down."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            DONE.append('served ' + self.path)
            self.send_response(200)
            self.send_header('Content-Length', '5')
            self.end_headers()
            self.wfile.write(b'other')

        def log_message(self, *args):
            pass

    def __init__(self):
        HTTPServer.__init__(self, ('127.0.0.1', 0), self.Handler)
        thread = threading.Thread(target=self.serve_forever)
        thread.daemon = True
        thread.start()


OTHER = Other()


def statements():
    """SQL by a cursor, by the connection's shortcuts, by a proxied driver; and what fails."""
    connection = sqlite3.connect(':memory:')
    cursor = connection.cursor()
    cursor.execute('create table t (a)')
    cursor.executemany('insert into t values (?)', [(1,), (2,)])
    rows = connection.execute('select sum(a) from t where a > ?', (0,)).fetchall()
    try:
        cursor.execute('select nothing')
    except sqlite3.OperationalError:
        rows.append('no such column')
    proxied = _proxied(sqlite3.connect, (':memory:',), {})
    rows += list(proxied.cursor().execute('select 3'))
    DONE.append(cursor.execute('select count(*) from t').fetchone())
    proxied.close()
    connection.close()
    return repr(rows)


def commands():
    """A shell's line, and a program; each leaves a word."""
    process = subprocess.Popen(['/bin/echo', 'one'], stdout=subprocess.PIPE)
    DONE.append(process.communicate()[0])
    return str(os.system('exit 3'))


def files():
    """A file that is there, and one that is not."""
    with open(os.devnull) as file:
        file.read()
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    try:
        open('/nowhere/at/all').close()
    except (IOError, OSError):
        DONE.append('no such file')
    return 'files'


def calls():
    """Another service is asked twice."""
    address = '127.0.0.1:%d' % OTHER.server_port
    answer = urlopen('http://%s/one' % address, timeout=20)
    connection = HTTPConnection(address, timeout=20)
    connection.request('GET', '/two?a=1')
    texts = [answer.read(), connection.getresponse().read()]
    answer.close()
    connection.close()
    return repr(texts)


def threads():
    """A thread and a pool work for the request."""
    thread = threading.Thread(target=DONE.append, args=('thread',))
    thread.start()
    thread.join()
    if ThreadPoolExecutor is None:
        return 'threads'
    with ThreadPoolExecutor(1) as pool:
        return 'threads %s' % pool.submit(sum, [1, 2]).result(20)


def people():
    """Somebody logs in, another cannot; a user is named."""
    pyagent.track_login_success('ada', 1, 'a session', {'from': 'shop'})
    pyagent.track_login_failure('eve', True)
    pyagent.track_user(1, 'ada')
    pyagent.track_custom_event('payment.failure')
    return 'people %s' % pyagent.should_block_user(2)


def failing():
    """What a view raises."""
    DONE.append('fails')
    raise ValueError('the view failed')


ALL = [statements, commands, files, calls, threads, people, failing]
