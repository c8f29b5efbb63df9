"""A file: the input leads out of the directory that the app meant, by climbing or by being absolute. (CWE-22)"""

from __future__ import annotations

import posixpath

MIN_INPUT = 4


def reached(value: str, path: str) -> str:
    """The path that was opened, normalised, where the input chose its directory; else an empty text."""
    value = value.partition("\0")[0].strip().removeprefix("file://")
    if len(value) < MIN_INPUT or "/" not in value or not path:
        return ""
    opened = normal(path)
    if leaves(value.lstrip("/")):
        tail = "/" + normal(value.lstrip("/")).lstrip("./")
        return opened if value in path or opened == tail else ""
    return opened if value.startswith("/") and normal(value) == opened and opened != "/" else ""


def normal(path: str) -> str:
    """A path without `.`, `..` and doubled slashes, by its text alone."""
    path = posixpath.normpath(path)
    return path[1:] if path.startswith("//") else path


def leaves(path: str) -> bool:
    """Whether a relative path leads above where it begins."""
    depth = 0
    for part in path.split("/"):
        depth += -1 if part == ".." else int(part not in ("", "."))
        if depth < 0:
            return True
    return False
