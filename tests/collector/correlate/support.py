"""Reports and kernel events as the two witnesses send them."""

from __future__ import annotations

from typing import Any

from collector.model import Finding, Operation, Peer, Process, Request, RequestReport, Verdict
from probes.vocabulary import KernelEvent

ID = "1f2e3d4c5b6a7988"
VALUE = "x;cat  /etc/hostname"
STATEMENT = "echo -c1 x;cat  /etc/hostname"
APP = 1000
START = 1_000 * 10**9


def finding(stage: Verdict = Verdict.REACHED, category: str = "command_injection", **fields: Any) -> Finding:
    reached: dict[str, Any] = {"operation_index": 0, "statement": STATEMENT} if stage is Verdict.REACHED else {}
    known = {"location": "query", "parameter": "host", "value": VALUE, "probe_text": VALUE, **reached, **fields}
    return Finding("cmdi-001", "Command separator", category, stage, **known)


def report(*findings: Finding, final: bool = True, request_id: str = ID, **request: Any) -> RequestReport:
    operation = Operation(0, "shell", text=STATEMENT)
    known = {"start_time": START, "process": Process(pid=APP), "peer": Peer("127.0.0.1", 50123), **request}
    found = findings or (finding(Verdict.ATTEMPTED), finding())
    return RequestReport(Request(request_id, **known), found, (operation,), final)


def event(kind: Any, time: int, pid: int = APP, **fields: Any) -> KernelEvent:
    known = {"thread_id": pid, "attribution": "inherited", "request_id": ID, **fields}
    return KernelEvent(kind, START + time, pid, **known)


def shell(time: int = 10, **fields: Any) -> KernelEvent:
    """The exec of the shell that runs the reached statement."""
    return event("exec", time, 1001, parent_pid=APP, argv=("sh", "-c", STATEMENT), path="/bin/sh", **fields)


def cat(time: int = 20, **fields: Any) -> KernelEvent:
    known = {"pid": 1002, "parent_pid": 1001, "argv": ("cat", "/etc/hostname"), "path": "/bin/cat", **fields}
    return event("exec", time, **known)


def accept(port: int = 50123, address: str = "127.0.0.1", **fields: Any) -> KernelEvent:
    known = {"attribution": "none", "request_id": "", "family": "ipv4", "result": 9, **fields}
    return event("accept", -10, address=address, port=port, **known)
