"""What an app raised, noted once, wherever it comes to light."""

from __future__ import absolute_import

import sys

from ..core import context, guard, lifecycle

MAX_LINES = 16


class Cut(Exception):
    """Tells a server that an answer ends here, since its request was stopped when a part was out. Servers end the
    connection at an Exception; at what is none some end their worker, or send a page of their own behind that part.
    """


@guard.guarded
def note_failure(request, ignored=()):
    """Tell `request` of the exception being handled, unless its class, or one above it, has an ignored name."""
    kind, error, trace = sys.exc_info()
    names = [above.__name__ for above in getattr(kind, '__mro__', (kind,)) if above is not None]
    if request is not None and names and not set(names).intersection(ignored):
        lifecycle.failed(request, kind, error, traceback_lines(trace))


@guard.guarded
def note_here(ignored=()):
    """The same, for the request that is served here."""
    note_failure(context.current(), ignored)


def traceback_lines(trace):
    """Where an exception came through, innermost last, without the agent's own frames."""
    lines = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(_OURS):
            lines.append('%s:%d %s' % (code.co_filename, trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    return lines[-MAX_LINES:]


def frame_stack(skip, limit=MAX_LINES):
    """Where the app stands: "file:line function", innermost first, without the agent's own frames."""
    frame, lines = sys._getframe(skip), []
    while frame is not None and len(lines) < limit:
        code = frame.f_code
        if not code.co_filename.startswith(_OURS):
            lines.append('%s:%d %s' % (code.co_filename, frame.f_lineno, code.co_name))
        frame = frame.f_back
    return lines


# As the interpreter spells it, whatever the system's separators: the folder of the package.
_OURS = frame_stack.__code__.co_filename[: -len('instrument/failure.py')] or '<pyagent>'
