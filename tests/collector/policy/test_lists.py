"""Who is listed, by address, network, user and session, and until when."""

from __future__ import annotations

import ipaddress
import random
from datetime import UTC, datetime

import pytest

from collector.policy.compiled import Compiled
from collector.policy.document import Entry, Policy, Rule, ServiceMode
from collector.policy.lists import Lists, numbered

LATER, NOW = datetime(2030, 1, 1, tzinfo=UTC), 1_800_000_000 * 10**9


def subjects(*texts: str) -> Lists:
    return Lists(Entry(text) for text in texts)


def found(lists: Lists, address: str = "", user: str = "", login: str = "", session: str = "") -> str:
    listed = lists.find(numbered(address), user, login, session, NOW)
    return listed.entry.subject if listed else ""


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("203.0.113.9", "203.0.113.9"), ("203.0.113.8", "203.0.113.0/24"), ("203.0.114.1", "203.0.0.0/16"),
        ("::ffff:203.0.113.9", "203.0.113.9"), ("2001:db8::7", "2001:db8::/32"), ("2001:db9::7", ""),
        ("198.51.100.1", ""),
        ("no address", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_longest_prefix(address: str, subject: str) -> None:
    """The closest network that holds an address is the one that counts."""
    lists = subjects("203.0.0.0/16", "203.0.113.0/24", "203.0.113.9", "2001:db8::/32")
    assert found(lists, address) == subject


def test_names_before_addresses() -> None:
    """A user by id or login, a session by its digest; nobody is nobody."""
    lists = subjects("user:7", "session:ab", "203.0.113.9")
    assert found(lists, "203.0.113.9", user="7") == "user:7"
    assert found(lists, "203.0.113.9", login="7") == "user:7"
    assert found(lists, session="ab") == "session:ab"
    assert found(lists, user="8") == ""


def test_expiry() -> None:
    """What has expired is as if it were not there: a wider network may hold still; of two the longer one counts."""
    gone = datetime(2020, 1, 1, tzinfo=UTC)
    lists = Lists([Entry("203.0.113.9", expires=gone), Entry("203.0.113.0/24", expires=LATER)])
    assert found(lists, "203.0.113.9") == "203.0.113.0/24"
    for entries in ([Entry("::1", expires=gone), Entry("::1")], [Entry("::1"), Entry("::1", expires=gone)]):
        assert found(Lists(entries), "::1") == "::1"


def test_against_a_plain_search() -> None:
    """For 2,003 random networks and addresses the same as looking at every network in turn."""
    chance = random.Random(7)
    networks = {
        ipaddress.ip_network((chance.getrandbits(10) << 22, chance.randint(8, 32)), strict=False) for _ in range(2003)
    }
    lists = subjects(*map(str, networks))
    for _ in range(2003):
        address = ipaddress.ip_address(chance.getrandbits(10) << 22 | chance.getrandbits(3))
        holding = [network for network in networks if address in network]
        wanted = max(holding, key=lambda network: network.prefixlen, default=None)
        listed = lists.find(numbered(str(address)), "", "", "", NOW)
        assert (listed is not None) == (wanted is not None)
        assert listed is None or ipaddress.ip_network(listed.entry.subject) == wanted


def test_what_a_policy_asks_of_agents() -> None:
    """Only where somebody is refused, requests in monitor mode wait; only where users are, they are asked for."""
    assert (Compiled().lists, Compiled().users) == (False, False)
    assert Compiled(Policy(block=(Entry("::1"),))).lists
    assert not Compiled(Policy(block=(Entry("::1"),))).users
    assert Compiled(Policy(block=(Entry("user:1"),))).users
    assert Compiled(Policy(rules=(Rule("x", "block"),))).lists
    assert not Compiled(Policy(rules=(Rule("x", "off"),), allow=(Entry("::1"),))).lists


def test_modes_and_rules() -> None:
    """A service's own mode goes before all services'; the first rule that fits says what becomes of a match."""
    compiled = Compiled(
        Policy(
            mode="monitor", services=(ServiceMode("shop", "block"),),
            rules=(Rule("sqli-1", "off", path="/editor"), Rule("sqli", "block", "shop"), Rule("*", "monitor")),
        )
    )  # fmt: skip
    assert (compiled.mode("shop"), compiled.mode("blog")) == ("block", "monitor")
    assert compiled.action("sqli-1", "sqli", "shop", "/editor/7", "q") == "off"
    assert compiled.action("sqli-1", "sqli", "shop", "/", "q") == "block"
    assert compiled.action("sqli-1", "sqli", "blog", "/", "q") == "monitor"


def test_bypass() -> None:
    """By the beginning of the path, or by network."""
    compiled = Compiled(Policy(bypass=("/health", "10.0.0.0/8")))
    assert compiled.bypassed(numbered("203.0.113.9"), "/health/live", NOW)
    assert compiled.bypassed(numbered("10.1.2.3"), "/", NOW)
    assert not compiled.bypassed(numbered("203.0.113.9"), "/", NOW)
