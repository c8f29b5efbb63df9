"""The log of a test, and nothing left of it afterwards."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import structlog

from collector import logs


class Log(io.StringIO):
    """What was logged."""

    def events(self) -> list[dict[str, Any]]:
        """JSON lines, decoded."""
        return [json.loads(line) for line in self.getvalue().splitlines()]


@contextlib.contextmanager
def captured(level: str = "info", form: str = "json") -> Iterator[Log]:
    """Log into memory; logging is as it was before afterwards."""
    root = logging.getLogger()
    handlers, before, log = root.handlers[:], root.level, Log()
    logs.configure(level, form, log)
    try:
        yield log
    finally:
        root.handlers[:] = handlers
        root.setLevel(before)
        structlog.reset_defaults()
