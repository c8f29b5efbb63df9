"""Opens that every program does when it starts: kept out of traces unless they are evidence.

Only those of inherited marks (children and threads of the request) are noise. What the marked thread itself opens is
the app's own doing, and is always kept.
"""

from __future__ import annotations

import re

from probes.vocabulary import KernelEvent

_STARTUP = re.compile(
    r"^/etc/(?:ld\.so\.(?:cache|preload|nohwcap)|locale\.alias|nsswitch\.conf|localtime)$"
    r"|^/(?:usr/)?(?:local/)?lib(?:32|64|exec)?/.*\.so(?:\.[0-9.]+)?$"
    r"|^/usr/(?:share|lib)/(?:locale|zoneinfo|x86_64-linux-gnu/gconv|aarch64-linux-gnu/gconv)(?:/|$)"
    r"|^/proc/self(?:/|$)|^/dev/(?:null|urandom|tty)$"
    r"|/__pycache__/|\.pyc$|/pyvenv\.cfg$"
)
_MODULE = re.compile(r"\.(?:py|pyc|so(?:\.[0-9.]+)?)$|/__pycache__/")


def noisy(event: KernelEvent) -> bool:
    """Whether this is a start-up open of a descendant.

    >>> noisy(KernelEvent("open", 0, 1, 1, "inherited", path="/etc/ld.so.cache"))
    True
    >>> noisy(KernelEvent("open", 0, 1, 1, "exact", path="/proc/self/environ"))
    False
    """
    return event.kind == "open" and event.attribution == "inherited" and bool(_STARTUP.search(event.path))


def imported(event: KernelEvent) -> bool:
    """Whether this is the open of a module, as an import within a request does it by the hundred."""
    return event.kind == "open" and bool(_MODULE.search(event.path))
