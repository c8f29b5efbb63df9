"""The daemon's log: one event a line on standard error, JSON or for people. Values are capped, escaped, and free of
secrets: what others sent us ends up in error messages, and a log is read in terminals and shipped far away."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

MAX_VALUE = 2000
"""Characters of one value; a traceback may have ten times as many."""

SECRET = re.compile(r"password|passwd|secret|token|authorization|cookie|api_?key|credential|session", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
_KEEP = frozenset({"event", "level", "timestamp"})

Event = MutableMapping[str, Any]


def configure(level: str = "info", form: str = "auto", stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's messages to `stream` (standard error). `form`: auto, json, console;
    auto is console on a terminal and JSON elsewhere."""
    out = stream or sys.stderr
    console = form == "console" or (form == "auto" and out.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [structlog.processors.format_exc_info, tidy, _renderer(console, out)]
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _catch_standard_library(out, shared, last, max(threshold, logging.WARNING))


def tidy(logger: object, method: str, event: Event) -> Event:
    """Hide values under names that speak of secrets, cut long ones, escape control characters."""
    for key, value in event.items():
        if SECRET.search(key) and key not in _KEEP:
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = _plain(value, 10 * MAX_VALUE if key == "exception" else MAX_VALUE, key == "exception")
        elif not isinstance(value, int | float | bool | None):
            event[key] = _plain(str(value), MAX_VALUE)
    return event


def _plain(text: str, limit: int, lines: bool = False) -> str:
    """`text` without control characters (line ends stay where `lines`), cut at `limit`."""
    cut = text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
    escaped = _CONTROL.sub(lambda m: m[0] if lines and m[0] in "\n" else f"\\x{ord(m[0]):02x}", cut)
    return escaped.encode("utf-8", "backslashreplace").decode("utf-8")


def _renderer(console: bool, out: TextIO) -> Any:
    if console:
        return structlog.dev.ConsoleRenderer(
            colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=40
        )
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def _catch_standard_library(out: TextIO, shared: list[Any], last: list[Any], threshold: int) -> None:
    """asyncio and grpc log there; warnings and worse of theirs take our form."""
    handler = logging.StreamHandler(out)
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[meta, *last]))
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
