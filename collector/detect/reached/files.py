"""Files: the input ends the opened path and leads where it should not: absolute, or up over more than one level."""

from __future__ import annotations

import re

MIN_LENGTH = 5
_UP = re.compile(r"(?:^|[\\/])\.\.(?=[\\/]|$)")


def reached(value: str, path: str) -> str:
    """The input's part of the path, where it chose a place of its own."""
    value = value.partition("\0")[0].removeprefix("file://")
    if len(value) < MIN_LENGTH or "/" not in value or not path.endswith(value):
        return ""
    climbs = len(_UP.findall(value))
    if climbs >= 2 or (climbs and leaves(value)):
        return value
    return value if value.startswith("/") and path == value else ""


def leaves(value: str) -> bool:
    """Whether a relative path ends above where it began."""
    depth = 0
    for part in value.split("/"):
        depth += -1 if part == ".." else (1 if part not in ("", ".") else 0)
        if depth < 0:
            return True
    return False
