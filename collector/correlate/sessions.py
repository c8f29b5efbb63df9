"""Logins to the host itself, as its PAM answered them, and what the sessions that they began run.

A session is known by the process that opened it: what is executed below that process is the session's, a login (sudo)
below it names it. Bounded: the longest untouched sessions go first, of each so many executions are kept and the rest
counted. Codes are those of Linux-PAM's _pam_types.h.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import Iterator

from msgspec.structs import replace

from collector.model import LoginEvent, Peer, Process, User
from probes.vocabulary import NO_LOGIN, Ancestor, KernelEvent

MAX_SESSIONS = 4096
MAX_EXECUTIONS = 64
SLACK = 20_000_000
"""Nanoseconds by which /proc's word on a process's start may differ from the kernel's."""

NOBODY = frozenset(("cron", "crond", "atd", "systemd-user"))
"""Services that open sessions without anybody logging in."""

REASONS = {
    3: "error in a module", 4: "system error", 6: "permission denied", 7: "authentication failure",
    8: "credentials insufficient", 9: "authentication service unavailable", 10: "user unknown",
    11: "too many attempts", 12: "password expired", 13: "account expired", 14: "session error",
    19: "conversation error", 20: "authentication token error", 25: "nothing decides", 26: "critical error",
}  # fmt: skip


class Sessions:
    """`host` is this host's name; `evicted` counts sessions that had to go while they may have gone on."""

    def __init__(self, host: str = "", limit: int = MAX_SESSIONS) -> None:
        self._host, self._limit = host, limit
        self._sessions: OrderedDict[int, tuple[int, LoginEvent]] = OrderedDict()
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._sessions)

    def on_kernel(self, event: KernelEvent) -> LoginEvent | None:
        """Take a login or an execution; the login event that is new or changed."""
        if event.kind == "exec":
            return self._executed(event)
        outcome = outcome_of(event)
        if not outcome or event.service in NOBODY:
            return None
        login = self._login(event, outcome)
        if outcome == "success":
            self._keep(event.pid, event.process_start, login)
        return login

    def _executed(self, event: KernelEvent) -> LoginEvent | None:
        above = Ancestor(event.pid, event.process_start)
        found = next(self._above((above, *event.ancestors)), None)
        if found is None:
            return None
        start, login = self._sessions[found]
        if len(login.kernel_events) < MAX_EXECUTIONS:
            login = replace(login, kernel_events=(*login.kernel_events, event))
        else:
            login = replace(login, kernel_events_dropped=login.kernel_events_dropped + 1)
        self._keep(found, start, login)
        return login

    def _above(self, processes: tuple[Ancestor, ...]) -> Iterator[int]:
        """Those of the processes that opened a session, the nearest first."""
        for process in processes:
            known = self._sessions.get(process.pid)
            if known is not None and abs(known[0] - process.start) <= SLACK:
                yield process.pid

    def _login(self, event: KernelEvent, outcome: str) -> LoginEvent:
        outer = next(self._above(event.ancestors), None)
        own = self._sessions.get(event.pid)
        return LoginEvent(
            id=login_id(event), time=event.time, outcome=outcome, user=User(login=event.user), framework="pam",
            client_address=_address(event.path) or event.address,
            kernel_peer=Peer(event.address, event.port),
            process=Process(event.pid, event.service, container_id=event.container_id, host=self._host),
            metadata=dict(_metadata(event)),
            session=(own[1].id if own and outcome == "logout" else self._sessions[outer][1].id if outer else ""),
        )  # fmt: skip

    def _keep(self, pid: int, start: int, login: LoginEvent) -> None:
        self._sessions[pid] = (start, login)
        self._sessions.move_to_end(pid)
        if len(self._sessions) > self._limit:
            self._sessions.popitem(last=False)
            self.evicted += 1


def outcome_of(event: KernelEvent) -> str:
    """What an answer of PAM comes to: a session is what makes a login; empty for what is only a step."""
    if event.result:
        return "" if event.operation == "close_session" else "failure"
    return {"open_session": "success", "close_session": "logout", "end": "failure"}.get(event.operation, "")


def login_id(event: KernelEvent) -> str:
    """16 hex digits, the same for the same event."""
    words = f"{event.time} {event.pid} {event.process_start} {event.operation}"
    return hashlib.blake2b(words.encode(), digest_size=8).hexdigest()


def _metadata(event: KernelEvent) -> Iterator[tuple[str, str]]:
    """What a login event has no field for."""
    if event.result or event.operation == "end":
        yield "reason", _reason(event)
        yield "step", event.operation
    if event.size:
        yield "refused", str(event.size)
    if event.tty:
        yield "tty", event.tty
    if event.target:
        yield "remote_user", event.target
    if event.path and not _address(event.path):
        yield "remote_host", event.path
    if event.login_uid != NO_LOGIN:
        yield "login_uid", str(event.login_uid)


def _reason(event: KernelEvent) -> str:
    if event.result:
        return REASONS.get(event.result, f"PAM's code {event.result}")
    return f"refused by {event.service} itself" if event.size else "given up, or refused without a password"


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
