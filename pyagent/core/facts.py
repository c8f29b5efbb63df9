"""What this interpreter and this system can do, as flags named by behaviour.

One of the two rooms for version differences; the other is `names`. Tests switch flags off to play another system.
"""

from __future__ import absolute_import

import os
import socket
import sys

TEXT_IS_UNICODE = str is not bytes
HAS_UNIX_SOCKETS = hasattr(socket, 'AF_UNIX')
HAS_FORK = hasattr(os, 'fork')
HAS_FORK_HOOKS = hasattr(os, 'register_at_fork')
HAS_MARKS = sys.platform.startswith('linux')
