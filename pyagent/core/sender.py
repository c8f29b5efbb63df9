"""The agent's one thread in a process: it wakes up, lets what comes gather for 20 ms, and has it sent.

Where the interpreter takes itself apart, it never ends: on 2.7 and 3.6 one that came to life that late, under load, ran on,
and for its end waited for a lock of the interpreter's with the GIL in its hands, while the main thread, which held that
lock, waited for the GIL: for ever.
"""

from __future__ import absolute_import

import os

from . import context, facts, guard, mark, native

GATHER, IDLE = 0.02, 0.5


class Sender(object):
    """`turn()` sends, and returns after how many seconds it wants to be called again. `awake`: it knows that there is work."""

    def __init__(self, turn):
        self._turn, self._pid = turn, os.getpid()
        self._wake = native.Wake()
        self._begun = self._over = self._ending = False
        self.awake = False

    def begin(self):
        """Start the thread outside of any request: neither its context nor its mark is the request's."""
        if self._begun or self._over:
            return
        self._begun = True
        serving = context.current()
        context.enter(None)
        forever = native.Lock()
        forever.acquire()
        try:
            native.start_thread(self._run, (forever,))
        except Exception:
            guard.swallow('start thread')
        finally:
            context.enter(serving)

    def wake(self):
        """There is something to send."""
        self.awake = True
        self.begin()
        self._wake.set()

    def end(self, with_process=False):
        """Let the thread go, or with the process stop where it is."""
        self._over, self._ending = True, with_process and not facts.ENDS_LATE_THREADS
        self._wake.set()

    def _run(self, forever):
        try:
            self._work()
            if not self._ending:
                return
        except:  # the interpreter is being taken down around us: on 2.7 even names are gone, True among them
            pass
        forever.acquire()

    def _work(self):
        mark.clear_mark()
        patience = IDLE
        while not self._over and self._pid == os.getpid():
            self._wake.wait(patience)
            if self.awake:
                native.sleep(GATHER)
            self.awake = False
            patience = self._turn() or patience
