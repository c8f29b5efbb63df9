"""What the commands that ask the collector have in common: a client, and the answer for people or as documents.

The libraries for both are imported here at the last moment: `--help` needs none of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from collector.cli.client import Client


def client(run_dir: Path) -> Client:
    """A client, to be entered; raises CommandError at once where there is no socket."""
    from collector.cli.client import Client

    return Client(run_dir)


def page(found: Any, json: bool, show: Callable[[Console, Any], object]) -> None:
    """Print one thing as a document, or as `show` does."""
    if json:
        print_json([found])
        return
    from collector.cli.text import console

    show(console(), found)


def listing(found: Iterable[Any], json: bool, kind: str, nothing: str) -> None:
    """Print a listing as documents or as the table of its kind."""
    if json:
        print_json(found)
        return
    from collector.cli import tables, text

    show: Callable[[Any, Iterable[Any]], int] = getattr(tables, kind)
    if not show(text.console(), found):
        print(nothing, file=sys.stderr)  # noqa: T201


def print_json(messages: Iterable[Any]) -> None:
    """The API's canonical JSON: one document a line, ASCII only, so that a terminal obeys nothing in it."""
    from google.protobuf.json_format import MessageToJson

    for message in messages:
        line = MessageToJson(message, indent=None, always_print_fields_with_no_presence=True, ensure_ascii=True)
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
