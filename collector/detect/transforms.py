"""What a rule may have done to an input before it looks: disguises taken off. Each costs little where there is none.

Named after the transformations of ModSecurity where one exists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from collector.detect.encodings import unescaped
from collector.detect.entities import unescape

Transform = Literal[
    "lowercase", "urlDecode", "htmlEntityDecode", "replaceComments", "shellPlain", "cmdLine", "jsDecode"
]

_COMMENT = re.compile(r"/\*!\d{0,6}|/\*(?:[^*]|\*(?!/))*\*/|\*/")
_QUOTING = re.compile(r"\\(?=[A-Za-z\r\n])\r?\n?|'(?<=\w')(?:'(?=\w)|(\w)')|\"(?<=\w\")(?:\"(?=\w)|(\w)\")|\$[@*]")
_IFS = re.compile(r"\$\{?IFS[^}\s;|&'\"/]{0,16}\}?")
_FILLERS = re.compile(r"\$(?:[@*!?]|(?=['\"])|\{?[a-z]{1,3}\}?(?=[^\w(]|$))|\$\(\w{1,3}\)|\$\{\w{1,3}\}")
_ESCAPE = re.compile(r"\\(?:u\{?([0-9a-fA-F]{2,6})\}?|x([0-9a-fA-F]{2})|([0-3]?[0-7]{2}))")
_CODE = re.compile(r"(</?(?:pre|code)\b)", re.IGNORECASE)
_LESS = re.compile(r"&(?:amp;)?(?:lt|#0{0,8}60|#x0{0,8}3c);", re.IGNORECASE)
_KEPT = "\ue000"
"""Stands for an escaped angle bracket meanwhile; a private character."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def disguised(value: str) -> bool:
    """Whether any transformation may change more of a value than its capital letters, which no rule looks at."""
    return (
        "'" in value or "&" in value or "%" in value or '"' in value or "\\" in value or "$" in value or "+" in value
        or "^" in value or "*/" in value or "/*!" in value or not value.isprintable()
    )  # fmt: skip


def html_entity_decode(value: str) -> str:
    """HTML entities as the characters that they stand for, escaped twice or once, and no control characters. What
    markup shows as code keeps its escaped angle brackets: nobody takes them for markup.

    >>> html_entity_decode("&lt;b&gt;"), html_entity_decode("<code>&lt;b&gt;</code>")
    ('<b>', '<code>&lt;b></code>')
    """
    if "&" in value:
        shown = _shown(value) if "</" in value else value
        once = unescape(shown)
        value = (unescape(once) if once != shown else once).replace(_KEPT, "&lt;")
    return value if value.isprintable() else _CONTROL.sub("", value)


def _shown(value: str) -> str:
    parts, inside = _CODE.split(value), False
    for place, part in enumerate(parts):
        if place % 2:
            inside = part[1] != "/"
        elif inside and "&" in part:
            parts[place] = _LESS.sub(_KEPT, part)
    return "".join(parts)


def replace_comments(value: str) -> str:
    """SQL comments as one blank; what MySQL runs inside `/*! */` stays.

    >>> replace_comments("union/**/select"), replace_comments("/*!50000union*/")
    ('union select', ' union ')
    """
    return _COMMENT.sub(" ", value) if "*/" in value or "/*!" in value else value


def shell_plain(value: str) -> str:
    """A command line without quoting inside words, and with $IFS as the blank that it makes.

    >>> shell_plain("c'a't${IFS}/etc/passwd"), shell_plain(";w\\\\ho\\\\ami")
    ('cat /etc/passwd', ';whoami')
    """
    if "$" in value:
        value = _IFS.sub(" ", value)
    if "'" in value or '"' in value or "\\" in value or "$" in value:
        value = _QUOTING.sub(lambda match: match.group(1) or match.group(2) or "", value)
    return value


def cmd_line(value: str) -> str:
    """A command line without any quoting, and with one blank for what shells take for one.

    >>> cmd_line("c''at${IFS}/e't'c/pa$@sswd"), cmd_line("; cat$u+/etc$u/passwd")
    ('cat /etc/passwd', '; cat /etc/passwd')
    """
    if "$" in value:
        value = _FILLERS.sub("", _IFS.sub(" ", value))
    if "\\x" in value:
        value = _ESCAPE.sub(_character, value)
    if "+" in value and " " not in value.strip(" ;|&"):
        value = value.replace("+", " ")
    for quote in "\\'\"^":
        value = value.replace(quote, "")
    return value


def js_decode(value: str) -> str:
    r"""JavaScript's \x41, \u0041, \u{41} and \101 as characters."""
    return _ESCAPE.sub(_character, value) if "\\" in value else value


def url_decode(value: str) -> str:
    """Percent escapes and IIS's %uXXXX as characters."""
    return unescaped(value) if "%" in value else value


def _character(match: re.Match[str]) -> str:
    return chr(int(match.group(3), 8)) if match.group(3) else _code(match.group(1) or match.group(2))


def _code(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"


_FUNCTIONS: dict[str, Callable[[str], str]] = {
    "lowercase": str.lower,
    "urlDecode": url_decode,
    "htmlEntityDecode": html_entity_decode,
    "replaceComments": replace_comments,
    "shellPlain": shell_plain,
    "cmdLine": cmd_line,
    "jsDecode": js_decode,
}


def apply(names: Sequence[str], value: str) -> str:
    """The value after these transformations, in this order."""
    for name in names:
        value = _FUNCTIONS[name](value)
    return value
