"""libinjection's tokenisers: is a text SQL that leaves its place, is it markup that runs something.

(https://github.com/libinjection/libinjection) A compiled module that comes as source: where it could not be built,
`AVAILABLE` is false, and what asks for it never matches; rules by expression remain.
"""

from __future__ import annotations

import re

try:
    import libinjection
except ImportError:
    libinjection = None

AVAILABLE: bool = libinjection is not None
_WEAK = frozenset(("sos", "sos&s", "1c", "s),(s", "sksEs", "so(s)", "1os", "1so"))
_NEVER_WRITTEN = ("1", "s&", "s;", "n)E", "v")
_JOINED = re.compile(r"""\s*\w*\s?'\s*[-+|&^=<>!*/%~]{1,3}\s*'\s*\w""")
MAX_SHORT = 40
MAX_TEXT = 32768
"""Characters of a text that are looked at; about a millisecond."""


def sql(text: str) -> bool:
    """Whether a text is an SQL injection by its tokens. A single word or number is none."""
    if not AVAILABLE or text.isidentifier() or text.isdigit():
        return False
    return bool(libinjection.is_sql_injection(_plain(text))["is_sqli"])


def fingerprint(text: str) -> str:
    """The kinds of the first tokens of an SQL injection; empty where it is none."""
    if not AVAILABLE:
        return ""
    found = libinjection.is_sql_injection(_plain(text))
    return str(found["fingerprint"]) if found["is_sqli"] else ""


def surely_sql(text: str) -> bool:
    """SQL injection by tokens that no prose and no code has: measured, what libinjection takes for one in texts that
    people write has bare words in it, or is strings with something between them."""
    kinds = fingerprint(text)
    if not kinds:
        return False
    if kinds in _WEAK:
        return len(text) <= MAX_SHORT and _JOINED.match(text) is not None
    return "n" not in kinds or "U" in kinds or kinds.startswith(_NEVER_WRITTEN)


def xss(text: str) -> bool:
    """Whether a text is markup that runs a script: there must be a tag, or a value of an attribute."""
    return AVAILABLE and ("<" in text or "=" in text) and bool(libinjection.is_xss(_plain(text))["is_xss"])


def _plain(text: str) -> str:
    text = text[:MAX_TEXT]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
