"""What this interpreter and this system can do, as flags named by behaviour.

One of the two rooms for version differences; the other is `names`. Tests switch flags off to play another system.
"""

from __future__ import absolute_import

import os
import socket
import sys
import threading

TEXT_IS_UNICODE = str is not bytes
HAS_UNIX_SOCKETS = hasattr(socket, 'AF_UNIX')
HAS_FORK = hasattr(os, 'fork')  # and an exec that takes the place of the process
HAS_FORK_HOOKS = hasattr(os, 'register_at_fork')
HAS_MARKS = sys.platform.startswith('linux')
DESCRIPTORS_STAY = hasattr(os, 'set_inheritable')  # a command inherits what it is told to only
HAS_TIMED_LOCKS = hasattr(threading, 'TIMEOUT_MAX')
HAS_AUDIT = hasattr(sys, 'addaudithook')
HAS_ASYNC = sys.version_info >= (3, 7)  # async def, with context variables to tell tasks apart
ENDS_LATE_THREADS = sys.version_info >= (3, 8)  # those that come to life when the interpreter ends
HAS_SPECS = (
    sys.version_info[0] > 2
)  # importlib's finders say how a module is loaded, not only by whom
HAS_OLD_FINDERS = sys.version_info < (3, 12)  # those that do not are asked, too

LACKS = {
    'HAS_MARKS': 'requests are not marked to the kernel',
    'HAS_UNIX_SOCKETS': 'no Unix sockets: the collector is reached by COWITNESS_ADDRESS alone',
    'HAS_AUDIT': 'no audit events: where requests share a thread, only what is hooked is marked',
    'HAS_ASYNC': 'ASGI applications and asynchronous clients are not seen',
}


def lacking():
    """What cannot be done here, in words."""
    return [LACKS[name] for name in sorted(LACKS) if not globals()[name]]
