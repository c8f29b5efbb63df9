"""gevent and eventlet: greenlets take turns on a thread, and standard modules are replaced by cooperative ones."""

from __future__ import absolute_import

from ..core import context
from . import audit
from .network import connected
from .operation import around
from .patch import Row, after
from .process import popen


@after
def patched(args, kwargs, result):
    """gevent.monkey's patching of threads: from now on a greenlet is what a thread was."""
    audit.watch()
    if hasattr(context, 'follow_greenlets'):
        context.follow_greenlets()


ROWS = [
    Row('gevent.monkey', 'patch_all', patched),
    Row('gevent.monkey', 'patch_thread', patched),
    Row('eventlet.patcher', 'monkey_patch', patched),
    Row('gevent.subprocess', 'Popen.__init__', around(popen)),
]
for _module in ('gevent._socket3', 'gevent._socket2'):
    ROWS.append(Row(_module, 'socket.connect', around(connected)))
