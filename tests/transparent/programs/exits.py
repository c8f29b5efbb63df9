"""Serves, and ends in the way that it is told: `python -m ... HOW`."""

import os
import signal
import sys
import threading
import time

from tests.transparent.programs.serving import serve


def end():
    print('done')


def exits():
    sys.exit(3)


def says():
    sys.exit('what went wrong')


def raises():
    raise ValueError('unhandled')


def killed():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(20)


def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(20)


def handled():
    """As servers do: the signal is an exception somewhere in the midst of things."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(20)


def at_once():
    os._exit(4)


def daemons():
    """Threads that serve are still at it."""
    begun = [threading.Event() for _ in range(4)]
    for event in begun:
        thread = threading.Thread(target=_serve_on, args=(event,))
        thread.daemon = True
        thread.start()
    for event in begun:
        event.wait()


def _serve_on(begun):
    while True:
        serve('/daemon')
        begun.set()


def threads():
    """A thread that serves when the main one has ended."""
    over, shutdown = threading.Event(), threading._shutdown
    threading._shutdown = lambda: (over.set(), shutdown())
    threading.Thread(target=lambda: (over.wait(), serve('/late'))).start()


def serves_last():
    import atexit

    atexit.register(serve, '/last')


def halfway():
    """An answer that nobody has closed."""
    from tests.transparent.programs import serving

    serving.left = serving.application({'wsgi.input': sys.stdin, 'PATH_INFO': '/left'}, lambda status, headers: None)


def executes():
    os.execv(sys.executable, [sys.executable, '-c', 'print("another")'])


class Connection(object):
    """What a thread has kept, and what takes long to end."""

    pipe = os.pipe()

    def __del__(self, write=os.write, sleep=time.sleep):
        write(self.pipe[1], b'!')
        sleep(1)


def late():
    """A thread that is made here comes to life when the interpreter takes the threads apart (see late.c)."""
    local, lock = threading.local(), threading.Lock()
    local.connection = Connection()
    lock.acquire()
    stays = threading.Thread(target=lambda: local and lock.acquire())
    stays.daemon = True
    stays.start()
    os.environ['LATE'] = str(Connection.pipe[0])
    serve('/late')


if __name__ == '__main__':
    if sys.argv[1] != 'late':
        serve('/first')
    globals()[sys.argv[1]]()
