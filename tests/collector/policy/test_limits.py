"""Rate limits in a policy: how they are written, whom and what they count, and what is said of who goes beyond."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from collector.detect.judge import Judge
from collector.detect.settings import DetectSettings
from collector.model import Action, Process
from collector.policy.compiled import Compiled
from collector.policy.document import Entry, Limit, Policy, PolicyError, parse
from collector.wire.agent import Ask, BlockedRecord, MessagingRecord, PeerRecord, RequestRecord, UserRecord, Verdict

LOGIN = Limit("login", 3, 60, path="/login*", action="block")
SHOP = Process(service="shop")


class World:
    """A judge that obeys a policy."""

    def __init__(self, *limits: Limit, **policy: Any) -> None:
        self.judge, self.number = Judge(DetectSettings(trusted_proxies=("10.0.0.0/8",))), 0
        self.judge.policy = Compiled(Policy(limits=limits, **policy))

    def request(self, path: str = "/login", address: str = "192.0.2.1", **fields: Any) -> RequestRecord:
        self.number += 1
        return RequestRecord(f"{self.number:016x}", "end", path=path, peer=PeerRecord(address), **fields)

    def ask(self, request: RequestRecord, service: str = "shop") -> Verdict:
        return self.judge.verdict(Ask(request), Process(service=service), "monitor")

    def asked(self, count: int, service: str = "shop", **fields: Any) -> list[int]:
        """The statuses of so many requests; 0 for those that go on."""
        return [self.ask(self.request(**fields), service).status for _ in range(count)]


def test_it_is_refused_with_the_time_to_wait() -> None:
    """The fourth within a minute gets 429, and Retry-After; another address, path and service do not."""
    world = World(Limit("login", 3, 60, service="sh?p", path="/login*", action="block"))
    assert world.asked(5) == [0, 0, 0, 429, 429]
    verdict = world.ask(world.request("/login/2"))
    assert [(one.rule_id, one.category, one.parameter) for one in verdict.findings] == [
        ("policy-limit", "rate_limit", "login")
    ]  # fmt: skip
    (name, seconds), = verdict.headers
    assert (name, 1 <= int(seconds) <= 120) == ("Retry-After", True)
    assert world.asked(5, address="192.0.2.2")[:3] == [0, 0, 0]
    assert world.asked(5, path="/search") == [0] * 5
    assert world.asked(5, service="other") == [0] * 5


def test_a_request_counts_once() -> None:
    """However often it is asked about, and reported then; one that was refused stays refused."""
    world = World(LOGIN)
    request = world.request()
    for _ in range(10):
        assert world.ask(request).status == 0
        assert world.judge.report(request, SHOP, True) is None
    assert world.asked(2) == [0, 0]
    refused = world.request()
    assert [world.ask(refused).status for _ in range(3)] == [429] * 3


def test_users_and_sessions_are_counted_when_they_are_known() -> None:
    """By user, whatever the address; the same request was asked about before its user was known."""
    world = World(Limit("user", 2, 60, "user", action="block"), Limit("s", 2, 60, "session", action="block"))

    def visit(user: UserRecord, address: str) -> int:
        request = world.request(address=address)
        assert world.ask(request).status == 0
        known = RequestRecord(request.request_id, "start", peer=request.peer, user=user)
        return world.ask(known).status

    assert [visit(UserRecord("7"), f"192.0.2.{number}") for number in range(4)] == [0, 0, 429, 429]
    assert [visit(UserRecord(login="eve"), "192.0.2.9") for _ in range(3)] == [0, 0, 429]
    assert [visit(UserRecord(session_id="d1"), "192.0.2.9") for _ in range(3)] == [0, 0, 429]


def test_what_only_tells() -> None:
    """With `monitor` everybody goes on, asked about or not, and what is too much is found."""
    world = World(Limit("all", 2))
    found = [world.judge.report(world.request(), SHOP, True) for _ in range(4)]
    assert [one is None for one in found] == [True, True, False, False]
    finding = found[-1].findings[0]  # type: ignore[union-attr]
    assert (finding.rule_id, finding.category, finding.action) == ("policy-limit", "rate_limit", Action.MONITORED)
    assert (finding.parameter, finding.value, finding.location) == ("all", "192.0.2.1", "address")
    assert world.asked(3) == [0, 0, 0]


def test_the_trace_of_a_refusal() -> None:
    """Says which limit it was and whom it counted, though the request did not count."""
    world = World(Limit("login", 1, 60, action="block"))
    assert world.asked(1) == [0]
    request = world.request(blocked=BlockedRecord("request", "x"))
    assert world.ask(request).status == 429
    report = world.judge.report(request, SHOP, True)
    assert report is not None
    finding, = report.findings
    assert (finding.action, finding.value) == (Action.BLOCKED, "192.0.2.1")
    assert finding.statement == "more than 1 requests in 60 s, by the limit login"


def test_who_is_never_counted() -> None:
    """Who is on the pass list, what is not looked at, and tasks out of a queue."""
    world = World(Limit("all", 1, action="block"), allow=(Entry("192.0.2.1"),), bypass=("/health",))
    assert world.asked(3) == [0] * 3
    assert world.asked(3, path="/health", address="192.0.2.2") == [0] * 3
    assert world.asked(3, address="", messaging=MessagingRecord("rq")) == [0] * 3
    assert world.asked(3, address="unknown") == [0] * 3
    assert world.asked(3, address="192.0.2.3") == [0, 429, 429]


def test_whose_address_it_is() -> None:
    """The client's behind a trusted proxy; of IPv6 the /64, as one client has all of it."""
    world = World(Limit("all", 1, action="block"))
    for number in range(3):
        assert world.asked(1, address="10.0.0.1", headers=[("x-forwarded-for", f"198.51.100.{number}")]) == [0]
    assert [world.asked(1, address=f"2001:db8::{number}")[0] for number in range(3)] == [0, 429, 429]


def test_which_apps_ask() -> None:
    """Those whose service has a limit that refuses, in monitor mode, too; about users where a limit counts them."""
    policy = Compiled(Policy(limits=(
        Limit("a", 1, service="shop", action="block"), Limit("b", 1, key="user", service="api*", action="block"),
        Limit("c", 1),
    )))  # fmt: skip
    assert [policy.asks(name) for name in ("shop", "api-2", "other")] == [True, True, False]
    assert [policy.asks_users(name) for name in ("shop", "api-2", "other")] == [False, True, False]
    assert Compiled().limits is None


def test_routes() -> None:
    """A limit for a route counts requests of that route alone, once it is known, whatever was counted before that."""
    world = World(Limit("all", 100, action="block"), Limit("items", 2, route="/item/<*", action="block"))
    for number, status in enumerate((0, 0, 429)):
        request = world.request(f"/item/{number}")
        assert world.ask(request).status == 0
        assert world.ask(replace(request, route="/item/<name>")).status == status
    assert world.asked(3, route="/other/<name>") == [0, 0, 0]
    assert world.judge.policy.asks_routes("shop")


def test_a_new_version_goes_on_counting() -> None:
    """A limit of the same name and window is not forgotten when anything else of the policy changes."""
    world = World(LOGIN)
    world.asked(3)
    counts = world.judge.policy.limits._counts  # type: ignore[union-attr]
    world.judge.policy = Compiled(Policy(2, limits=(LOGIN,), block=(Entry("::1"),)), counts)
    assert world.asked(1) == [429]


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"name": "a", "requests": 0}, "limits[0].requests"), ({"name": "a b", "requests": 1}, "limits[0].name"),
        ({"name": "a", "requests": 1, "key": "colour"}, "limits[0].key"),
        ({"name": "a", "requests": 1, "lasting": 60}, "lasting is for the action block"),
        ({"name": "a", "requests": 1, "often": 1}, "often"),
        ({"name": "a", "requests": 1, "seconds": 86_401}, "limits[0].seconds"),
        ({"name": "a", "requests": 1, "path": "x" * 201}, "limits[0].path"),
    ],
)  # fmt: skip
def test_what_cannot_be(limit: dict[str, Any], said: str) -> None:
    """Is refused with its place."""
    with pytest.raises(PolicyError) as caught:
        parse(json.dumps({"limits": [limit]}).encode(), "p.json")
    assert said in str(caught.value)
    with pytest.raises(PolicyError, match="another limit 'a'"):
        parse(json.dumps({"limits": [{"name": "a", "requests": 1}] * 2}).encode(), "p.json")


def test_a_pattern_is_quick_on_any_path() -> None:
    """Many stars against a long path that almost fits end: the expression does not go back."""
    world = World(Limit("stars", 1, path="/" + "*a" * 60 + "b", action="block"))
    assert world.asked(2, path="/" + "a" * 100_000) == [0, 0]
