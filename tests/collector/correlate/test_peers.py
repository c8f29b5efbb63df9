"""Kernel peers for servers that tell less."""

from __future__ import annotations

import doctest

from collector.correlate import noise, peers
from collector.correlate.peers import Peers
from collector.model import Peer
from tests.collector.correlate.support import APP, START, accept

HERE = Peer("127.0.0.1", 0)


def test_no_port_and_one_connection() -> None:
    """A server that does not tell the port gets the only connection of the last second."""
    known = Peers()
    known.accepted(accept(50001))
    assert known.find(APP, HERE, START) == Peer("127.0.0.1", 50001)


def test_no_port_and_two_connections() -> None:
    """Where there are two, nobody guesses."""
    known = Peers()
    known.accepted(accept(50001))
    known.accepted(accept(50002))
    assert known.find(APP, HERE, START) is None


def test_accepted_later() -> None:
    """A connection that was accepted well after the request began is not its connection."""
    known = Peers()
    known.accepted(accept())
    assert known.find(APP, Peer("127.0.0.1", 50123), START - 10 * 10**9) is None


def test_unix_socket() -> None:
    """A Unix connection has no address to compare."""
    known = Peers()
    known.accepted(accept(family="unix", address=""))
    assert len(known) == 0


def test_waiting_for_an_accept() -> None:
    """Who found no peer is told with the accept, once; who found one does not wait."""
    known, told = Peers(), Peer("127.0.0.1", 50123)
    assert known.find_or_await(APP, told, START, ("trace", "1")) is None
    assert known.find_or_await(APP, Peer("unix:", 7), START, ("trace", "2")) is None
    assert known.accepted(accept()) == {("trace", "1")}
    assert known.find_or_await(APP, told, START, ("login", "3")) == told
    assert known.accepted(accept()) == set()


def test_waiting_is_bounded() -> None:
    """Of those that wait the oldest are forgotten."""
    known = Peers(max_waiting=1)
    for port in (1, 2):
        known.find_or_await(APP, Peer("127.0.0.1", port), START, ("trace", str(port)))
    assert known.accepted(accept(1)) == set()
    assert known.accepted(accept(2)) == {("trace", "2")}


def test_bounded() -> None:
    """The oldest connections are forgotten."""
    known = Peers(10)
    for port in range(1, 100):
        known.accepted(accept(port))
    assert len(known) == 10
    assert known.find(APP, Peer("127.0.0.1", 99), START) is not None


def test_examples() -> None:
    """The examples in the documentation hold."""
    assert doctest.testmod(peers).failed == doctest.testmod(noise).failed == 0
