"""Processes started through asyncio on a loop that does not use `subprocess` beneath (uvloop starts its own)."""

from __future__ import absolute_import

from ..core.context import Operation
from .operation_py3 import around_async
from .patch import Row
from .process import readable


def _own_loop():
    """Whether the running loop is asyncio's own: subprocess.Popen is called then, and hooked."""
    from asyncio import get_running_loop

    return type(get_running_loop()).__module__.startswith('asyncio')


def program(args, kwargs):
    """Describe create_subprocess_exec(program, *args)."""
    if _own_loop():
        return None
    return Operation('argv', readable(args), 'asyncio', argv=list(args))


def shell(args, kwargs):
    """Describe create_subprocess_shell(cmd)."""
    if _own_loop():
        return None
    return Operation('shell', args[0] if args else kwargs['cmd'], 'asyncio')


_exec, _shell = around_async(program), around_async(shell)
ROWS = []
for _module in ('asyncio.subprocess', 'asyncio'):
    ROWS.append(Row(_module, 'create_subprocess_exec', _exec))
    ROWS.append(Row(_module, 'create_subprocess_shell', _shell))
