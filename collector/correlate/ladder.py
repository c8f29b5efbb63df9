"""The last step of the ladder, from reached to confirmed: which kernel events are the effect of a finding.

An attempt alone is confirmed only where the kernel shows the input as code, or as the way out of a directory: an app
that passes it as one quoted argument runs a command that carries it too, and is not attacked. That is how what the app
does past every hook (C code of its own) comes to light. Only events marked with the request count.
"""

from __future__ import annotations

import errno
import posixpath
import socket
from collections.abc import Callable, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from msgspec.structs import replace

from collector.correlate.peers import plain
from collector.detect.reached import files
from collector.detect.reached.shell import CommandLine
from collector.model import Finding, Operation, Verdict
from probes.vocabulary import KernelEvent

PORTS = {"http": 80, "https": 443, "ftp": 21, "gopher": 70, "ws": 80, "wss": 443}
MIN_CUT = 16
"""Characters of a truncated command line that must agree with the statement's beginning."""

MIN_INPUT = 4
"""Characters from which an input may stand anywhere in a command line; a shorter one must be a word of it."""

SHELLS = frozenset(("sh", "bash", "dash", "ash", "ksh", "zsh"))

Events = Sequence[KernelEvent]


def evidence(finding: Finding, operations: Sequence[Operation], events: Events) -> set[int]:
    """The indexes of the events that confirm this finding; empty where nothing does."""
    if finding.stage is Verdict.ATTEMPTED:
        return _past_hooks(finding, events)
    judge = _JUDGES.get(finding.category)
    if finding.stage is not Verdict.REACHED or judge is None:
        return set()
    operation = next((one for one in operations if one.index == finding.operation_index), None)
    if operation is not None and operation.blocked:
        return set()
    return judge(finding, operation, events)


def _past_hooks(finding: Finding, events: Events) -> set[int]:
    """What the kernel shows of an input that no operation was told of."""
    look = _SHOWN.get(finding.category)
    return {i for i, event in enumerate(events) if look(finding.probe_text, event)} if look is not None else set()


def _shell_ran(value: str, event: KernelEvent) -> bool:
    """Whether a shell was given a line in which the input is code."""
    if event.kind != "exec" or len(event.argv) < 3 or event.argv[1] != "-c":
        return False
    return posixpath.basename(event.argv[0]) in SHELLS and bool(CommandLine(event.argv[2]).reached(value))


def _led_out(value: str, event: KernelEvent) -> bool:
    """Whether a file was used whose directory the input chose."""
    if event.kind not in _ON_FILES or event.result < 0:
        return False
    return bool(files.reached(value, event.path) or files.reached(value, event.target))


def _command(finding: Finding, operation: Operation | None, events: Events) -> set[int]:
    """Execs that carry the input or the reached statement, and every exec that descends from such a one."""
    needles = [text for text in (squeeze(finding.probe_text), squeeze(finding.statement)) if text]
    execs = [i for i, event in enumerate(events) if event.kind == "exec"]
    roots = {i for i in execs if _carries(events[i], needles)}
    if not roots:
        return set()
    lineage = _lineage(events)
    began = {events[i].pid: events[i].time for i in sorted(roots, key=lambda i: -events[i].time)}
    return roots | {i for i in execs if _descends(events[i], began, lineage)}


def _carries(event: KernelEvent, needles: list[str]) -> bool:
    line = command_line(event.argv)
    words = line.split()
    if any(needle in (line if len(needle) >= MIN_INPUT else words) for needle in needles):
        return True
    last = squeeze(event.argv[-1]) if event.argv_truncated and event.argv else ""
    return len(last) >= MIN_CUT and any(needle.startswith(last) for needle in needles)


def _lineage(events: Events) -> dict[int, int]:
    """Parents by process, as the request's own events tell."""
    parents = {event.pid: event.parent_pid for event in events if event.parent_pid}
    return parents | {event.child_pid: event.pid for event in events if event.kind == "fork" and event.child_pid}


def _descends(event: KernelEvent, began: dict[int, int], lineage: dict[int, int]) -> bool:
    pid, seen = event.pid, set[int]()
    while pid and pid not in seen:
        if pid in began and began[pid] <= event.time:
            return True
        seen.add(pid)
        pid = lineage.get(pid, 0)
    return False


def _run(finding: Finding, operation: Operation | None, events: Events) -> set[int]:
    """What was executed or connected to while the input's code ran, or is named by it; opens that are named by it."""
    text = squeeze(finding.probe_text)
    return {i for i, event in enumerate(events) if _during(operation, event) or _named(event, text)}


def _during(operation: Operation | None, event: KernelEvent) -> bool:
    if operation is None or operation.kind not in _RUN_AT_ONCE or event.kind not in ("exec", "connect"):
        return False
    return 0 <= event.time - operation.start_time <= operation.duration


def _named(event: KernelEvent, text: str) -> bool:
    """Whether the text says this: a command line's last word or all of them, a path, an address."""
    if event.kind == "exec":
        words = [squeeze(word) for word in event.argv]
        return bool(words) and ((len(words[-1]) > 1 and words[-1] in text) or all(word in text for word in words))
    if event.kind == "open":
        return event.result >= 0 and len(event.path) >= MIN_INPUT and "/" in event.path and event.path in text
    return event.kind == "connect" and bool(event.address) and event.address in text


def _path(finding: Finding, operation: Operation | None, events: Events) -> set[int]:
    """What was done to the reached path, successfully."""
    return _opens({normal(text) for text in (finding.statement, operation.text if operation else "") if text}, events)


def _outside(finding: Finding, operation: Operation | None, events: Events) -> set[int]:
    """Opens of the file, or connects to the host, that an entity of XML names."""
    target = finding.probe_text
    if (where := destination(target)) is None or (where[1] >= 0 and "://" not in target):
        return _opens({normal(target)}, events)
    return _request_forgery(replace(finding, statement=target), operation, events)


def _opens(wanted: set[str], events: Events) -> set[int]:
    return {
        i
        for i, event in enumerate(events)
        if event.kind in _ON_FILES and event.result >= 0 and wanted & {normal(event.path), normal(event.target)}
    }


def _request_forgery(finding: Finding, operation: Operation | None, events: Events) -> set[int]:
    """Connects to the reached address and port, whatever came of them: a refused one has told the attacker something,
    one that a policy denied has not. A file URL is confirmed by the open of its path."""
    where = destination(finding.statement or (operation.text if operation else ""))
    if where is None:
        return set()
    host, port = where
    if port < 0:
        return _opens({normal(host)}, events)
    addresses = literal(host) | {_loopback(plain(text)) for text in (operation.resolved if operation else ())}
    return {
        i
        for i, event in enumerate(events)
        if event.kind == "connect"
        and event.result != -errno.EPERM
        and event.port == port
        and _loopback(plain(event.address)) in addresses - {""}
    }


def destination(text: str) -> tuple[str, int] | None:
    """Host and port of a URL or host:port; (path, -1) of a file URL; None where it cannot be read.

    >>> destination("http://[::1]/x"), destination("db:5432"), destination("file:///etc/passwd")
    (('::1', 80), ('db', 5432), ('/etc/passwd', -1))
    """
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        if parts.scheme == "file":
            return parts.path, -1
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def literal(host: str) -> set[str]:
    """The addresses that a host part means without a resolver: an address in any spelling that getaddrinfo(3) takes
    (127.1, 0x7f000001, 2130706433), or localhost.

    >>> literal("127.1"), literal("localhost") == {"127.0.0.1", "::1"}, literal("example.org")
    ({'127.0.0.1'}, True, set())
    """
    if host.lower().rstrip(".") == "localhost":
        return {"127.0.0.1", "::1"}
    if found := plain(host):
        return {_loopback(found)}
    try:
        return {_loopback(socket.inet_ntoa(socket.inet_aton(host)))} if host[:1].isdigit() else set()
    except (OSError, UnicodeError):
        return set()


def _loopback(address: str) -> str:
    """Connecting to the unspecified address reaches this host (Linux)."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - nothing is bound here


def normal(path: str) -> str:
    """A path without `.`, `..` and doubled slashes; links are not resolved.

    >>> normal("//srv/files/../../etc//passwd"), normal("a/./b")
    ('/etc/passwd', 'a/b')
    """
    return posixpath.normpath("/" + path.lstrip("/") if path.startswith("/") else path) if path else ""


@lru_cache(1024)
def command_line(argv: tuple[str, ...]) -> str:
    """Arguments in one line; remembered, as every finding of a request looks at the same ones."""
    return squeeze(" ".join(argv))


def squeeze(text: str) -> str:
    """Text with every run of white space as one blank."""
    return " ".join(text.split())


_ON_FILES = frozenset(("open", "delete", "rename", "link", "chmod", "chown", "truncate"))
_SHOWN: dict[str, Callable[[str, KernelEvent], bool]] = {"command_injection": _shell_ran, "path_traversal": _led_out}
_RUN_AT_ONCE = frozenset(("code", "deserialize"))
_JUDGES: dict[str, Callable[[Finding, Operation | None, Events], set[int]]] = {
    "command_injection": _command,
    "code_injection": _run,
    "template_injection": _run,
    "deserialization": _run,
    "path_traversal": _path,
    "xxe": _outside,
    "ssrf": _request_forgery,
}
