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
HAS_FORK = hasattr(os, 'fork')
HAS_FORK_HOOKS = hasattr(os, 'register_at_fork')
HAS_MARKS = sys.platform.startswith('linux')
DESCRIPTORS_STAY = hasattr(os, 'set_inheritable')  # a command inherits what it is told to only
HAS_TIMED_LOCKS = hasattr(threading, 'TIMEOUT_MAX')
HAS_AUDIT = hasattr(sys, 'addaudithook')
HAS_ASYNC = sys.version_info >= (3, 7)  # async def, with context variables to tell tasks apart
HAS_SPECS = (
    sys.version_info[0] > 2
)  # importlib's finders say how a module is loaded, not only by whom
HAS_OLD_FINDERS = sys.version_info < (3, 12)  # those that do not are asked, too
