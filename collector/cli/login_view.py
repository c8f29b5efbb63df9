"""One login event for people: who, from where, with what result, and what the session then executed on the host."""

from __future__ import annotations

from collections.abc import Iterator

from cowitness.v1 import cowitness_pb2 as pb
from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from collector.cli.tables import OUTCOME_STYLES, OUTCOME_WORDS
from collector.cli.text import address, clean, facts, when
from collector.cli.timeline import kernel_lines


def show(console: Console, login: pb.LoginEvent) -> None:
    """Print it."""
    word = clean(login.event_name, 60) or OUTCOME_WORDS.get(login.outcome, "?")
    console.print(Text(word.upper(), style=OUTCOME_STYLES.get(login.outcome, "")))
    console.print(facts(_fact_rows(login)))
    if login.kernel_events:
        console.print(Rule(Text("what the session executed", style="dim"), style="dim", align="left"))
    for line in kernel_lines(login.kernel_events):
        console.print(line.kernel)
    if login.kernel_events_dropped:
        console.print(Text(f"{login.kernel_events_dropped:,} more executions were not kept.", style="yellow"))


def _fact_rows(login: pb.LoginEvent) -> Iterator[tuple[str, str]]:
    process, user, peer = login.process, login.user, login.kernel_peer
    yield "id", login.id
    yield "time", when(login.time)
    yield "user", " ".join(filter(None, (user.login, f"({user.id})" if user.id else "")))
    yield "client", login.client_address
    yield "kernel peer", address(peer.address, peer.port) if peer.address else ""
    yield "service", process.service_name
    yield "process", " on ".join(filter(None, (str(process.pid), process.host_name)))
    yield "framework", login.framework
    yield "request", login.request_id
    yield "session", login.session_id
    yield from sorted(login.metadata.items())
