"""What this process holds: objects by class, open files, threads, memory. In the grammar of 2.7."""

import gc
import os
import sqlite3
import tempfile
import threading
from collections import Counter

NOTES = tempfile.NamedTemporaryFile()  # noqa: SIM115 - as long as the process


def state():
    """What is held when the garbage is out. Sizes in KiB."""
    gc.collect()
    kinds = Counter('%s.%s' % (type(o).__module__, type(o).__name__) for o in gc.get_objects())
    with open('/proc/self/statm') as file:
        pages = int(file.read().split()[1])
    return {
        'kinds': kinds,
        'garbage': len(gc.garbage),
        'files': Counter(_kind(name) for name in os.listdir('/proc/self/fd')),
        'threads': len(os.listdir('/proc/self/task')),
        'memory': pages * os.sysconf('SC_PAGE_SIZE') // 1024,
    }


def _kind(descriptor):
    try:
        return os.readlink('/proc/self/fd/' + descriptor).partition(':')[0]
    except OSError:  # the one that listed them
        return 'gone'


def work():
    """What requests do: a query, a file, a thread; what came of it."""
    found = []
    connection = sqlite3.connect(':memory:')
    try:
        found.append(connection.execute('select ?', ('x',)).fetchone()[0])
    finally:
        connection.close()
    thread = threading.Thread(target=lambda: found.append(len(open(NOTES.name, 'rb').read())))  # noqa: SIM115
    thread.start()
    thread.join()
    return ' '.join(map(str, found)).encode('ascii')
