"""The page of one trace: both witnesses in time order, and nothing obeyed of what an attacker wrote."""

from __future__ import annotations

import io
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from collector.api import convert
from collector.cli import trace_view
from collector.model import Action, AttackTrace, Finding, Messaging, Operation, Process, Request, User, Verdict
from probes.vocabulary import KernelEvent
from tests.collector.cli.conftest import Shell
from tests.collector.records import START, confirmed

HOSTILE = "\x1b[2J\x1b]0;x\x07\r\u202e[bold red]x[/bold red]\n\x00"


def page(trace: AttackTrace, width: int = 160, **options: Any) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, emoji=False, highlight=False, **options)
    trace_view.show(console, convert.trace(trace))
    return out.getvalue()


def test_the_header() -> None:
    """It says how far the attack got, who asked, who answered, and whom each witness saw."""
    shown = page(confirmed())
    for words in (
        "CONFIRMED  command_injection", "GET /ping?host=x%3Bcat+/proc/version", "200, 1,789 bytes, after 12.3 ms",
        "2026-09-21 14:13:20.000 UTC", "00000000abcdef12", "shop (flask, CPython 3.11.2, pid 4321, on box)",
        "203.0.113.9, the server saw 127.0.0.1:50010, the kernel 127.0.0.1:50010", "alice (7)", "curl/8.0",
    ):  # fmt: skip
        assert words in shown


def test_what_the_app_raised() -> None:
    """Its type, its message, and where; an answer whose size nobody knows has none."""
    stack = ("/srv/app.py:1 serve", "/srv/app.py:12 ping")
    request = replace(
        confirmed().request, status=500, response_body_size=-1, exception_type="ValueError",
        exception_message="no host", exception_stack=stack,
    )  # fmt: skip
    shown = page(replace(confirmed(), request=request))
    for words in ("ValueError: no host", "/srv/app.py:12 ping", "500 after 12.3 ms"):
        assert words in shown


def test_the_findings() -> None:
    """Each rule with its stage, its input, its tags, and the statement it reached."""
    lines = [" ".join(line.split()) for line in page(confirmed()).splitlines()]
    assert "attempted cmd-001 Shell separator query host CWE-78 CAPEC-88 T1059" in lines
    assert "x;cat /proc/version" in lines
    assert lines.count("in ping -c1 x;cat /proc/version") == 2


def test_the_part_that_matched_stands_out() -> None:
    """On a terminal the highlight is styled, and only that."""
    shown = page(confirmed(), force_terminal=True, color_system="standard")
    assert "x\x1b[1;7m;cat\x1b[0m /proc/version" in shown


def test_the_timeline_interleaves_both_witnesses() -> None:
    """Lines come in time order; each witness keeps its column; children stand deeper; evidence is marked."""
    lines = page(confirmed()).splitlines()
    lines = lines[next(n for n, line in enumerate(lines) if line.startswith("timeline")) + 2 :]
    said = [
        "GET /ping",
        "shell ping",
        "4321 fork",
        "4400 exec",
        "4400 fork",
        "4401 exec",
        "4401 open",
        "4401 exit",
        "answer 200",
    ]
    assert [next(n for n, line in enumerate(lines) if word in line) for word in said] == list(range(len(said)))
    assert [lines[n].split()[0] for n in (0, 1, 3, 8)] == ["0.0", "2.0", "2.5", "12.3"]
    columns = [lines[n].index(said[n].split()[0]) for n in range(len(said))]
    assert columns[0] == columns[1] == columns[8] < columns[2] < columns[3] == columns[4] < columns[5] == columns[6]
    assert [n for n, line in enumerate(lines) if "<-- evidence" in line] == [3, 5]


@pytest.mark.parametrize("width", [80, 40])
def test_narrow_terminals(width: int) -> None:
    """No line is wider than the terminal, and nothing is hidden: what does not fit is wrapped."""
    shown = page(confirmed(), width=width)
    assert max(map(len, shown.splitlines())) <= width
    assert "".join(shown.split()).count("evidence") == 2


def hostile() -> AttackTrace:
    """Every text of a trace that an attacker, an app or a command can choose."""
    text = HOSTILE
    request = Request(
        "00000000abcdef12", text, start_time=START, method=text, path=text, query=text, framework=text, status=500,
        client_address=text, user=User(text, text), user_agent=text, exception_type=text, exception_message=text,
        exception_stack=(text,), process=Process(1, text, text, text, text, text),
    )  # fmt: skip
    event = KernelEvent("exec", START, 7, 7, comm=text, path=text, argv=(text, text))
    return AttackTrace(
        "00000000abcdef12", Verdict.REACHED, Action.BLOCKED, request,
        (Finding(text, text, text, Verdict.REACHED, (text,), Action.BLOCKED, text, text, text, text, 0, text),),
        (Operation(0, text, START, 1, text, text, text, blocked=True),),
        (event, replace(event, kind="open"), replace(event, kind="connect", address=text), replace(event, kind="exit")),
    )  # fmt: skip


def test_hostile_text(shell: Shell) -> None:
    """In no command's output does anything stand that a terminal obeys; markup stays text."""
    shell.node.put([hostile()])
    for words in (("trace", "00000000abcd"), ("traces",), ("trace", "00000000abcd", "--json"), ("traces", "--json")):
        out = shell.out(*words)
        assert all(char.isprintable() or char == "\n" for char in out)
        assert "[boldred]" in "".join(out.split())


def test_a_long_lineage_stays_on_the_page() -> None:
    """A hundred generations are indented to a limit; a process that is its own parent does not hang anything."""
    events = [
        KernelEvent("fork", START + n, 100 + n, 100 + n, parent_pid=99 + n, child_pid=101 + n) for n in range(100)
    ]  # fmt: skip
    events.append(KernelEvent("fork", START + 200, 500, 500, parent_pid=500, child_pid=500))
    shown = page(replace(confirmed(), kernel_events=tuple(events), evidence=()), width=100)
    assert "fork -> 200" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_remarks() -> None:
    """It says when nobody could testify, and when events were not kept."""
    shown = page(replace(confirmed(), unwitnessed=True, kernel_events_dropped=1234))
    assert "No probe watched this process" in shown
    assert "1,234 more kernel events" in shown


def test_an_early_report() -> None:
    """A trace without any operation, event or answer yet is shown as such."""
    early = AttackTrace("0" * 16, Verdict.ATTEMPTED, Action.MONITORED, Request("0" * 16, start_time=START))
    assert "none yet" in page(early)


def test_the_same_trace() -> None:
    """The other requests of the trace, each with its relation, verdict, service, id, and who asked."""
    trace = convert.trace(confirmed())
    front = convert.request(
        Request("1" * 16, method="GET", path="/go", client_address="203.0.113.9", process=Process(service="front"))
    )
    trace.linked.add(id="1" * 16, relation="RELATION_PARENT", request=front)
    trace.linked.add(id="2" * 16, relation="RELATION_CHILD", verdict="VERDICT_REACHED", categories=["ssrf"])
    trace.linked.add(id="3" * 16, relation="RELATION_CHILD", found_by="LINK_SOURCE_CONNECTION")
    out = io.StringIO()
    trace_view.show(Console(file=out, width=160, markup=False), trace)
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "asked for this none 1111111111111111 front GET /go from 203.0.113.9" in lines
    assert any(line.startswith("asked by this reached 2222222222222222") and "ssrf" in line for line in lines)
    assert any("3333333333333333" in line and "by connection" in line for line in lines)


def test_connections() -> None:
    """A connect says whose service accepted, a turn which one on which connection it was."""
    where = {"family": "ipv4", "address": "127.0.0.1", "port": 5000}
    events = (
        KernelEvent("connect", START, 1, 1, service="back", **where), KernelEvent("turn", START, 1, 1, size=7, **where),
    )  # fmt: skip
    shown = page(replace(confirmed(), kernel_events=events, evidence=()))
    assert "connect 127.0.0.1:5000, which is back" in shown
    assert "turn 7 on the connection to 127.0.0.1:5000" in shown


def test_a_task() -> None:
    """It says which task of which queue, and no client."""
    task = replace(confirmed().request, messaging=Messaging("celery", "process", "mail", "id-1"), route="shop.send")
    shown = page(replace(confirmed(), request=task))
    assert "process shop.send from the queue mail" in shown
    assert "id-1" in shown
    assert "client" not in shown
