"""How a command fails: one line on standard error and an exit code that says what kind of failure it was."""

from __future__ import annotations

WRONG, UNREACHABLE, NOT_FOUND = 2, 3, 4
"""Exit codes: the words or the configuration are wrong; no collector answers; nothing has that id."""


class CommandError(Exception):
    """Ends a command; `code` becomes its exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
