"""Hooks of what starts processes: a shell's line, or a program with its arguments. exec* and posix_spawn* included."""

from __future__ import absolute_import

from ..core.context import Operation
from ..core.names import text_type
from .operation import around
from .patch import Row


def _words(args):
    """Arguments as a list of words, as Popen takes them."""
    if isinstance(args, (bytes, text_type)) or hasattr(args, '__fspath__'):
        return [args]
    return list(args)


def readable(words):
    """Words as one line of text."""
    parts = []
    for word in words:
        word = word.decode('utf-8', 'replace') if isinstance(word, bytes) else text_type(word)
        parts.append(word)
    return u' '.join(parts)


def shell(system, name='command'):
    """Describe a call whose first argument goes to the shell."""

    def describe(args, kwargs):
        return Operation('shell', args[0] if args else kwargs[name], system)

    return describe


def argv(system, program, arguments, spread=False):
    """Describe a call of a program: where its path and its arguments stand."""

    def describe(args, kwargs):
        words = args[arguments:] if spread else args[arguments]
        words = _words(words)
        return Operation('argv', readable([args[program]] + words[1:]), system, argv=words)

    return describe


def popen(args, kwargs):
    """Describe subprocess.Popen(args, bufsize, executable, stdin, stdout, stderr, preexec_fn, close_fds, shell, ...)."""
    command = args[1] if len(args) > 1 else kwargs['args']
    in_shell = args[9] if len(args) > 9 else kwargs.get('shell')
    words = _words(command)
    if in_shell:
        return Operation('shell', words[0] if words else '', 'subprocess')
    return Operation('argv', readable(words), 'subprocess', argv=words)


ROWS = [
    Row('subprocess', 'Popen.__init__', around(popen)),
    Row('os', 'popen', around(shell('os.popen', 'cmd'))),
]
_IN_C = [('system', around(shell('os.system')))]
for _name in ('posix_spawn', 'posix_spawnp', 'execv', 'execve'):
    _IN_C.append((_name, around(argv('os.' + _name, 0, 1))))
for _name, _handler in _IN_C:  # a pickle says posix.system where somebody wrote os.system
    ROWS += [Row('os', _name, _handler), Row('posix', _name, _handler)]
for _name in ('execvp', 'execvpe'):
    ROWS.append(Row('os', _name, around(argv('os.' + _name, 0, 1))))
for _name in ('execl', 'execle', 'execlp', 'execlpe'):
    ROWS.append(Row('os', _name, around(argv('os.' + _name, 0, 1, spread=True))))
for _name in ('spawnv', 'spawnve', 'spawnvp', 'spawnvpe'):
    ROWS.append(Row('os', _name, around(argv('os.' + _name, 1, 2))))
for _name in ('spawnl', 'spawnle', 'spawnlp', 'spawnlpe'):
    ROWS.append(Row('os', _name, around(argv('os.' + _name, 1, 2, spread=True))))
