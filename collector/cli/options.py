"""The options that several commands share, with their words and their help."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class VerdictWord(StrEnum):
    """--verdict."""

    ATTEMPTED = "attempted"
    REACHED = "reached"
    CONFIRMED = "confirmed"


class OutcomeWord(StrEnum):
    """--outcome."""

    SUCCESS = "success"
    FAILURE = "failure"
    LOGOUT = "logout"
    SIGNUP = "signup"
    CUSTOM = "custom"


class LevelWord(StrEnum):
    """--log-level."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class ModeWord(StrEnum):
    """`cowitness enforce`."""

    OFF = "off"
    OBSERVE = "observe"
    ENFORCE = "enforce"


RunDir = Annotated[Path, typer.Option("--run-dir", envvar="COWITNESS_RUN_DIR", help="Where the daemon's sockets are.")]
OptionalRunDir = Annotated[
    Path | None, typer.Option("--run-dir", envvar="COWITNESS_RUN_DIR", help="Where to put the sockets.")
]
StateDir = Annotated[Path | None, typer.Option("--state-dir", help="Where to keep the store.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="A TOML file; see docs/configuration.md.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document a line, as the API has it.")]
Since = Annotated[str | None, typer.Option(help="From this time: 15m, 2h, 1d (ago), or RFC 3339.")]
Until = Annotated[str | None, typer.Option(help="Before this time; like --since.")]
Service = Annotated[str | None, typer.Option(help="Of this service only.")]
Verdicts = Annotated[VerdictWord | None, typer.Option(help="At least this far.")]
Address = Annotated[str | None, typer.Option(help="From this client address.")]
User = Annotated[str | None, typer.Option(help="Of this user, by id or login.")]
Category = Annotated[str | None, typer.Option(help="Of this category, such as sql_injection.")]
TraceId = Annotated[str | None, typer.Option(help="Of this W3C trace (32 digits): one attack's way through services.")]
Outcomes = Annotated[OutcomeWord | None, typer.Option(help="With this outcome.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000_000, help="At most so many, the newest first.")]
RUN_DIR = Path("/run/cowitness")
