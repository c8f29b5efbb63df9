"""Records for the tests of store, hub, API and command line."""

from __future__ import annotations

from typing import Any

from collector.model import (
    Action,
    AttackTrace,
    Finding,
    KernelEvent,
    LoginEvent,
    Operation,
    Peer,
    Process,
    Request,
    User,
    Verdict,
)  # fmt: skip

START = 1_790_000_000_000_000_000
"""Some day of 2026, in ns."""


def trace(number: int, verdict: Verdict = Verdict.ATTEMPTED, category: str = "xss", **request: Any) -> AttackTrace:
    """A trace with one finding; `number` makes its id and its time (a second apart)."""
    name = f"{number:016x}"
    fields: dict[str, Any] = {
        "trace_id": f"{number:032x}", "start_time": START + number * 1_000_000_000, "method": "GET", "path": "/search",
        "query": "q=x", "client_address": "203.0.113.7", "process": Process(pid=4321, service="shop", host="box"),
        "status": 200,
    }  # fmt: skip
    finding = Finding(
        "xss-001", "Script tag", category, verdict, ("CWE-79",), location="query", parameter="q", value="<script>"
    )
    return AttackTrace(
        name, verdict, Action.MONITORED, Request(request_id=name, **{**fields, **request}), (finding,),
        update_time=START + number * 1_000_000_000,
    )  # fmt: skip


def confirmed(number: int = 0xABCDEF12) -> AttackTrace:
    """A command injection that both witnesses saw."""
    name = f"{number:016x}"
    line = "ping -c1 x;cat /proc/version"
    process = Process(pid=4321, service="shop", runtime="CPython 3.11.2", host="box", executable="/usr/bin/python3")
    request = Request(
        request_id=name, trace_id="0af7651916cd43dd8448eb211c80319c", start_time=START, duration=12_345_678,
        thread_id=4330, method="GET", scheme="http", host="shop.test", path="/ping", query="host=x%3Bcat+/proc/version",
        route="/ping", framework="flask", status=200, response_body_size=1789,
        client_address="203.0.113.9", peer=Peer("127.0.0.1", 50010),
        kernel_peer=Peer("127.0.0.1", 50010), user=User("7", "alice", "d1ge57"), user_agent="curl/8.0",
        headers=(("host", "shop.test"),), process=process,
    )  # fmt: skip
    tags = ("CWE-78", "CAPEC-88", "T1059")
    common = {"category": "command_injection", "tags": tags, "location": "query", "parameter": "host"}
    findings = (
        Finding(
            "cmd-001",
            "Shell separator",
            stage=Verdict.ATTEMPTED,
            value="x;cat /proc/version",
            highlight=";cat",
            **common,
        ),
        Finding(
            "cmd-101", "Input runs as shell code", stage=Verdict.REACHED, operation_index=0, statement=line, **common
        ),
        Finding("cmd-201", "The kernel ran it", stage=Verdict.CONFIRMED, operation_index=0, statement=line, **common),
    )
    return AttackTrace(
        name, Verdict.CONFIRMED, Action.MONITORED, request, findings,
        (Operation(0, "shell", START + 2_000_000, 8_000_000, line, "subprocess", stack=("app.py:9 ping",)),),
        kernel_events(name, line), (1, 3), update_time=START + 20_000_000,
    )  # fmt: skip


def kernel_events(name: str, line: str) -> tuple[KernelEvent, ...]:
    """sh and cat, forked and executed."""

    def event(kind: Any, ms: float, pid: int, comm: str, **fields: Any) -> KernelEvent:
        mark = {"attribution": "inherited", "request_id": name}
        return KernelEvent(kind, START + int(ms * 1e6), pid, pid, comm=comm, **{**mark, **fields})

    shell, cat = ("/bin/sh", "-c", line), ("cat", "/proc/version")
    return (
        event("fork", 2.1, 4321, "gunicorn", child_pid=4400, attribution="exact"),
        event("exec", 2.5, 4400, "sh", parent_pid=4321, path="/bin/sh", argv=shell),
        event("fork", 3.0, 4400, "sh", child_pid=4401),
        event("exec", 3.5, 4401, "cat", parent_pid=4400, path="/usr/bin/cat", argv=cat),
        event("open", 4.0, 4401, "cat", parent_pid=4400, path="/proc/version", result=3),
        event("exit", 5.0, 4401, "cat"),
    )


def login(number: int, outcome: str = "success", **fields: Any) -> LoginEvent:
    """A login event; `number` makes its id and its time."""
    values: dict[str, Any] = {
        "user": User("7", "alice", "d1ge57"), "trace_id": f"{number:032x}", "request_id": f"{number:016x}",
        "framework": "django", "client_address": "203.0.113.9", "peer": Peer("127.0.0.1", 50010),
        "process": Process(pid=4321, service="shop", host="box"), "path": "/login",
    }  # fmt: skip
    return LoginEvent(f"{number:016x}", START + number * 1_000_000_000, outcome, **{**values, **fields})
