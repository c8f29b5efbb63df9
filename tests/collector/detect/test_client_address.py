"""The client's address behind proxies, and who is not believed."""

from __future__ import annotations

import ipaddress

import pytest

from collector.detect.client_address import parse, resolve

TRUSTED = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))
XFF, FORWARDED = "x-forwarded-for", "forwarded"


@pytest.mark.parametrize(
    ("peer", "headers", "address", "forged"),
    [
        ("203.0.113.5", [], "203.0.113.5", False),
        ("203.0.113.5", [(XFF, "198.51.100.1")], "203.0.113.5", True),
        ("203.0.113.5", [("true-client-ip", "198.51.100.1")], "203.0.113.5", True),
        ("10.0.0.1", [(XFF, "198.51.100.1")], "198.51.100.1", False),
        ("10.0.0.1", [(XFF, "1.1.1.1, 198.51.100.1, 10.0.0.2")], "198.51.100.1", False),
        ("10.0.0.1", [(XFF, "1.1.1.1"), (XFF, "198.51.100.1")], "198.51.100.1", False),
        ("10.0.0.1", [(XFF, "10.0.0.3, 10.0.0.2")], "10.0.0.3", False),
        ("10.0.0.1", [(XFF, "1.1.1.1, unknown, 10.0.0.2")], "10.0.0.2", False),
        ("10.0.0.1", [(XFF, ", ,")], "10.0.0.1", False),
        ("::ffff:10.0.0.1", [(XFF, "198.51.100.1:4711")], "198.51.100.1", False),
        ("fd00::1", [(FORWARDED, 'for="[2001:db8::7]:4711";proto=https, for=10.0.0.2')], "2001:db8::7", False),
        ("10.0.0.1", [(FORWARDED, "for=1.1.1.1, for=198.51.100.1")], "198.51.100.1", False),
        ("10.0.0.1", [("x-real-ip", "198.51.100.1")], "198.51.100.1", False),
        ("10.0.0.1", [(XFF, "198.51.100.1"), ("x-real-ip", "1.1.1.1")], "198.51.100.1", False),
        ("10.0.0.1", [(XFF, "198.51.100.1"), (FORWARDED, "for=1.1.1.1")], "10.0.0.1", True),
        ("", [(XFF, "198.51.100.1")], "", False),
        ("unix:", [(XFF, "198.51.100.1")], "unix:", False),
    ],
)
def test_resolve(peer: str, headers: list[tuple[str, str]], address: str, forged: bool) -> None:
    """Headers count from trusted peers only, from the right, up to the first hop that is no trusted proxy."""
    assert resolve(peer, headers, TRUSTED) == (address, forged)


def test_nobody_is_trusted_by_default() -> None:
    """Without trusted proxies not even loopback is believed."""
    assert resolve("127.0.0.1", [(XFF, "198.51.100.1")], ()) == ("127.0.0.1", True)


def test_long_chains_are_bounded() -> None:
    """A chain of a hundred thousand trusted hops is walked from the right and no further than its limit."""
    chain = "198.51.100.1, " + "10.0.0.2, " * 100_000 + "10.0.0.3"
    assert resolve("10.0.0.1", [(XFF, chain)], TRUSTED) == ("10.0.0.2", False)


@pytest.mark.parametrize("text", ["", "a" * 100_000, "1.2.3.4.5", "[::1", "999.1.1.1", "\x00", "1.2.3.4/8"])
def test_what_is_no_address(text: str) -> None:
    """Anything that is no address is None, but for an address whose bracket was left open."""
    assert parse(text) == (ipaddress.ip_address("::1") if text == "[::1" else None)
