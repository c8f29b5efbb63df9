"""Answers of PAM to login events, and executions to the session that they are below."""

from __future__ import annotations

import pytest

from collector.correlate.sessions import MAX_EXECUTIONS, Sessions
from collector.model import LoginEvent, Peer
from probes.vocabulary import Ancestor, KernelEvent

START = 10**18


def answer(pid: int, operation: str = "open_session", result: int = 0, **fields: object) -> KernelEvent:
    known = {"service": "sshd", "user": "ada", "process_start": START + pid, **fields}
    return KernelEvent("login", START + 9, pid, pid, operation=operation, result=result, **known)  # type: ignore[arg-type]


def execution(pid: int, *above: int, drift: int = 0) -> KernelEvent:
    ancestors = tuple(Ancestor(one, START + one + drift) for one in above)
    argv = (f"program-{pid}",)
    return KernelEvent("exec", START, pid, pid, argv=argv, process_start=START + pid, ancestors=ancestors)


def opened(sessions: Sessions, event: KernelEvent) -> LoginEvent:
    found = sessions.on_kernel(event)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("operation", "result", "outcome"),
    [
        ("authenticate", 7, "failure"), ("account", 13, "failure"), ("open_session", 14, "failure"),
        ("open_session", 0, "success"), ("close_session", 0, "logout"), ("authenticate", 0, ""), ("account", 0, ""),
        ("close_session", 14, ""), ("end", 0, "failure"),
    ],
)  # fmt: skip
def test_outcomes(operation: str, result: int, outcome: str) -> None:
    """An opened session is the login, a closed one the logout, any refusal a failure; the rest are steps."""
    found = Sessions().on_kernel(answer(1, operation, result))
    assert (found.outcome if found else "") == outcome


def test_what_a_failure_says() -> None:
    """User, service, host, addresses; PAM's reason, the step, and who was there before."""
    event = answer(
        1, "authenticate", 10, path="desk.example", address="192.0.2.7", port=4022, tty="ssh", target="bob", login_uid=7
    )
    found = opened(Sessions("node-1"), event)
    assert (found.user.login, found.process.service, found.process.host) == ("ada", "sshd", "node-1")
    assert (found.client_address, found.kernel_peer) == ("192.0.2.7", Peer("192.0.2.7", 4022))
    assert found.metadata == {
        "reason": "user unknown", "step": "authenticate", "tty": "ssh", "remote_user": "bob",
        "remote_host": "desk.example", "login_uid": "7",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (0, {"reason": "given up, or refused without a password"}),
        (6, {"reason": "refused by sshd itself", "refused": "6"}),
    ],
)
def test_what_came_to_nothing(refused: int, told: dict[str, str]) -> None:
    """A login that ended without an answer of PAM says whether the service refused it, and how often."""
    found = opened(Sessions(), answer(1, "end", size=refused, address="192.0.2.7", port=4022))
    assert found.metadata == {**told, "step": "end"}
    assert found.client_address == "192.0.2.7"


def test_ids() -> None:
    """The same event has the same id, another step of the same process another one."""
    first, again = (opened(Sessions(), answer(1)).id for _ in range(2))
    assert first == again != opened(Sessions(), answer(1, "close_session")).id
    assert len(first) == 16


@pytest.mark.parametrize("service", ["cron", "systemd-user"])
def test_nobody_logs_in(service: str) -> None:
    """Sessions that services open by themselves are no logins."""
    assert Sessions().on_kernel(answer(1, service=service)) is None


def test_executions_belong_to_the_nearest_session() -> None:
    """What runs below sudo is sudo's, what runs beside it is the outer login's, and sudo names that one."""
    sessions = Sessions()
    outer = opened(sessions, answer(10))
    inner = opened(sessions, answer(20, service="sudo", ancestors=(Ancestor(15, START + 15), Ancestor(10, START + 10))))
    assert inner.session == outer.id
    assert opened(sessions, execution(21, 20, 15, 10)).id == inner.id
    assert opened(sessions, execution(16, 15, 10)).id == outer.id
    assert opened(sessions, execution(20, 15, 10)).id == inner.id  # the process itself becomes another program
    assert sessions.on_kernel(execution(99, 98)) is None


def test_a_pid_that_comes_again() -> None:
    """The same number with another start is another process; a start that /proc rounded is the same."""
    sessions = Sessions()
    opened(sessions, answer(10))
    assert sessions.on_kernel(execution(11, 10, drift=1_000_000_000)) is None
    assert sessions.on_kernel(execution(11, 10, drift=-9_000_000)) is not None


def test_a_logout_names_its_login() -> None:
    """By the process that opened the session."""
    sessions = Sessions()
    login = opened(sessions, answer(10))
    assert opened(sessions, answer(10, "close_session")).session == login.id


def test_bounds() -> None:
    """Of a session so many executions are kept, the others counted; too many sessions push out the oldest."""
    sessions = Sessions(limit=2)
    opened(sessions, answer(10))
    for number in range(MAX_EXECUTIONS + 7):
        last = opened(sessions, execution(1000 + number, 10))
    assert (len(last.kernel_events), last.kernel_events_dropped) == (MAX_EXECUTIONS, 7)
    opened(sessions, answer(20))
    opened(sessions, answer(30))
    assert (len(sessions), sessions.evicted) == (2, 1)
    assert sessions.on_kernel(execution(11, 10)) is None
