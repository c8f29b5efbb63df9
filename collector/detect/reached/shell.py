"""Shell lines: the input leaves the word that it was meant to be. Programs run without a shell: it chooses what runs."""

from __future__ import annotations

import re

MIN_LENGTH = 2
MAX_LINE = 65536
_CONTROL = re.compile(r"[;|&\n\r`<>]|\$\(|\$\{|\(\)")
_SHELLS = re.compile(r"(?:^|/)(?:ba|da|z|k|c|tc|fi|a)?sh$|(?:^|/)busybox$|cmd(?:\.exe)?$|powershell")
_LOADERS = re.compile(r"(?:^|/)(?:python[\d.]*|perl|ruby|node|php|lua|awk|gawk|mawk)$")


def reached(value: str, line: str) -> str:
    """The input's part of a shell line, where it holds control that no quotes of the line disarm."""
    if len(value) < MIN_LENGTH or len(line) > MAX_LINE:
        return ""
    place = line.find(value)
    while place >= 0:
        if _escapes(value, line[:place]):
            return value
        place = line.find(value, place + 1)
    return ""


def reached_argv(value: str, argv: list[str], system: str) -> str:
    """The input, where it is the program, or code for a shell or an interpreter among the arguments."""
    if len(value) < MIN_LENGTH or not argv:
        return ""
    if value == argv[0] and "/" in value:
        return value
    for option in ("-c", "-e", "/c", "-lc", "-ic", "--command"):
        if option in argv[1:-1]:
            code = argv[argv.index(option, 1) + 1]
            if _SHELLS.search(argv[0]):
                return reached(value, code)
            if _LOADERS.search(argv[0]) and value in code and not value.replace("_", "").isalnum():
                return value
    return ""


def _escapes(value: str, before: str) -> bool:
    """Whether control characters in `value` act, given the quotes that are open where it begins (POSIX sh, 2.2)."""
    quote = _open_quote(before)
    index = 0
    while index < len(value):
        char = value[index]
        if quote == "'":
            if char == "'":
                quote = ""
        elif char == "\\":
            index += 1
        elif quote == '"':
            if char == '"':
                quote = ""
            elif char == "`" or value.startswith(("$(", "${"), index):
                return True
        elif char in "'\"":
            quote = char
        elif _CONTROL.match(value, index):
            return True
        index += 1
    return False


def _open_quote(text: str) -> str:
    """The quote that is open at the end of `text`, or ""."""
    quote = ""
    index = 0
    while index < len(text):
        char = text[index]
        if char == "\\" and quote != "'":
            index += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        index += 1
    return quote
