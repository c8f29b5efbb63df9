"""What full lists cost: a verdict, and the look-up alone, with an empty policy and with a big one, in one run.

    .venv/bin/python bench/policy_lists.py [--asks 3000]

Rate limits likewise: ten, of which two are for these requests.

The big policy lists 12,500 addresses, 2,500 users and 1,000 networks of 17 prefix lengths; the requests are harmless,
come from addresses and name users that are not listed. Both are asked in turns; each figure is the least
of 7 rounds.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from collector.detect.judge import Judge
from collector.detect.settings import DetectSettings
from collector.model import Process
from collector.policy.compiled import Compiled
from collector.policy.document import Entry, Limit, Policy
from collector.policy.lists import numbered
from collector.wire.agent import Ask, PeerRecord, RequestRecord, UserRecord

ROUNDS = 7


def big() -> Policy:
    chance = random.Random(1)
    addresses = {f"203.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}" for _ in range(12_800)}
    networks = {
        f"{100 + chance.randrange(50)}.{chance.randrange(256)}.{chance.randrange(256)}.0/{length}"
        for length in range(8, 25) for _ in range(70)
    }  # fmt: skip
    users = [f"user:{number}" for number in range(2500)]
    targets = [*sorted(addresses)[:12_500], *map(masked, sorted(networks)[:1000]), *users]
    return Policy(block=tuple(Entry(target, "bench") for target in targets))


def limited() -> Policy:
    """Ten limits, of which two are for these requests, each with a count of its own."""
    others = tuple(Limit(f"path-{number}", 10, path=f"/path/{number}/*", action="block") for number in range(8))
    mine = (Limit("all", 1_000_000, action="block"), Limit("users", 1_000_000, key="user", path="/s*", action="block"))
    return Policy(limits=(*others, *mine))


def masked(text: str) -> str:
    import ipaddress

    return str(ipaddress.ip_network(text, strict=False))


def asks(count: int, first: int = 0) -> list[Ask]:
    headers = [("host", "shop.example"), ("user-agent", "bench/1"), ("cookie", "sessionid=" + "a" * 32)]
    return [
        Ask(
            RequestRecord(
                f"{number:016x}", "start", method="GET", path="/search", query=f"q=the+old+man&page={number}",
                headers=headers, peer=PeerRecord(f"198.51.{number >> 8 & 255}.{number & 255}"),
                user=UserRecord(f"u{number}", f"name{number}"),
            )
        )
        for number in range(first, first + count)
    ]  # fmt: skip


def least(works: list[Callable[[], None]]) -> list[float]:
    """Seconds of the quickest round of each, in turns."""
    took: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for number, work in enumerate(works):
            before = time.perf_counter()
            work()
            took[number].append(time.perf_counter() - before)
    return [min(one) for one in took]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--asks", type=int, default=3000)
    count = parser.parse_args().asks
    judge, process = Judge(DetectSettings()), Process()
    empty, policy = Compiled(Policy()), big()
    before = time.perf_counter()
    full = Compiled(policy)
    print(f"made ready in {1e3 * (time.perf_counter() - before):.0f} ms: {len(policy.block):,} entries")
    addresses, now = [ask.request.peer.address for ask in asks(count)], time.time_ns()

    def verdicts(compiled: Compiled) -> Callable[[], None]:
        rounds = iter([asks(count, number * count) for number in range(ROUNDS)])

        def work() -> None:
            judge.policy = compiled
            for ask in next(rounds):
                judge.verdict(ask, process, "block")

        return work

    def lookups(compiled: Compiled) -> Callable[[], None]:
        def work() -> None:
            for number, address in enumerate(addresses):
                compiled.refused(numbered(address), f"u{number}", "", "", now)

        return work

    counting = Compiled(limited())
    without, with_lists, with_limits = least([verdicts(empty), verdicts(full), verdicts(counting)])
    bare, looked = least([lookups(empty), lookups(full)])
    scale = 1e6 / count
    ratio = with_lists / without
    print(f"verdict  {without * scale:7.1f} us without lists, {with_lists * scale:7.1f} us with: x{ratio:.3f}")
    ratio = with_limits / without
    print(f"verdict  {without * scale:7.1f} us without limits,{with_limits * scale:7.1f} us with: x{ratio:.3f}")
    print(f"look-up  {bare * scale:7.1f} us without lists, {looked * scale:7.1f} us with")


if __name__ == "__main__":
    main()
