"""What both sites do for their answers. In the grammar of 2.7."""

import sqlite3
import tempfile
import threading

FILE = tempfile.NamedTemporaryFile()  # noqa: SIM115 - as long as the process
FILE.write(b'0123456789' * 10000)
FILE.flush()


def work():
    """What requests do: a query, a file, a thread; what came of it."""
    found = []
    connection = sqlite3.connect(':memory:')
    try:
        found.append(connection.execute('select ?', ('x',)).fetchone()[0])
    finally:
        connection.close()
    thread = threading.Thread(target=lambda: found.append(_size()))
    thread.start()
    thread.join()
    return ' '.join(map(str, found)).encode('ascii')


def _size():
    with open(FILE.name, 'rb') as file:
        return len(file.read())
