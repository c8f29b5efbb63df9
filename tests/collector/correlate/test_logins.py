"""What is known of a login stays known, and its accept may come before or after it."""

from __future__ import annotations

from collector.correlate.logins import Logins
from collector.correlate.peers import Peers
from collector.model import LoginEvent, Peer, Process
from tests.collector.correlate.support import APP, START, accept

FULL = LoginEvent("a" * 16, START, "success", client_address="192.0.2.1", path="/login")
HERE = Peer("127.0.0.1", 50123)


def test_told_bare_again() -> None:
    """A login that is told again with less keeps what was known."""
    logins = Logins(Peers(), 10)
    logins.take(FULL, START)
    assert logins.take(LoginEvent("a" * 16, START, "success"), START) == FULL


def test_accepted_later() -> None:
    """The accept is told whose login waits for it; the login then has the kernel's peer."""
    peers = Peers()
    logins = Logins(peers, 10)
    bare = LoginEvent("b" * 16, START, "failure", peer=HERE, process=Process(APP))
    assert logins.take(bare, START) == bare
    assert peers.accepted(accept()) == {("login", "b" * 16)}
    login = logins.accepted("b" * 16)
    assert login is not None
    assert login.kernel_peer == HERE


def test_bounded_in_number_and_time() -> None:
    """The oldest go first, and those that nobody told of for long; what is forgotten is accepted by nobody."""
    logins = Logins(Peers(), 2)
    for digit in "abc":
        logins.take(LoginEvent(digit * 16, START, "success"), START)
    assert len(logins) == 2
    logins.expire(START + 1)
    assert len(logins) == 0
    assert logins.accepted("c" * 16) is None
