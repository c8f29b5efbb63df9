"""`cowitness watch`: traces and logins as they come, from two streams into one output."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from collections.abc import Iterator
from typing import Any

import grpc
from cowitness.v1 import cowitness_pb2 as pb
from rich.console import Console
from rich.text import Text

from collector.cli import tables
from collector.cli.client import Client
from collector.cli.failure import UNREACHABLE, CommandError

WAITING = 64
"""Records read ahead. More wait in the collector, which counts what it has to drop."""

News = pb.WatchAttackTracesResponse | pb.WatchLoginEventsResponse


def news(client: Client, traces: pb.AttackTraceFilter, logins: pb.LoginEventFilter) -> Iterator[News]:
    """Everything from now on, until the collector ends; raises CommandError then. Says on stderr when it watches."""
    streams = (client.watch_traces(traces), client.watch_logins(logins))
    arrived: queue.Queue[Any] = queue.Queue(WAITING)
    try:
        with client.explained():
            for stream in streams:
                stream.initial_metadata()
        for stream in streams:
            threading.Thread(target=_pump, args=(stream, arrived), daemon=True).start()
        print(f"watching {client.socket}; Ctrl-C ends", file=sys.stderr, flush=True)  # noqa: T201
        while True:
            item = arrived.get()
            if item is None:
                raise CommandError(f"the collector on {client.socket} has ended", UNREACHABLE)
            yield item
    finally:
        for stream in streams:
            stream.cancel()


def show(console: Console, item: News) -> None:
    """One record on one line, longer ones wrapped."""
    if isinstance(item, pb.WatchAttackTracesResponse):
        cells = tables.trace_row(item.attack_trace)
    else:
        cells = (*tables.login_row(item.login_event), Text("login", style="dim"))
    console.print(Text("  ").join(Text(cell) if isinstance(cell, str) else cell for cell in cells), overflow="fold")


def _pump(stream: Any, arrived: queue.Queue[Any]) -> None:
    """Pass on what comes; None at the end, which only the end of the collector brings."""
    with contextlib.suppress(grpc.RpcError):
        for item in stream:
            arrived.put(item)
    arrived.put(None)
