"""What watching the behaviour of services adds to the core's work on each kernel event.

    .venv/bin/python bench/behaviour.py [--requests 4000] [--rounds 7]

Batches as the probes send them (mostly opens, some connects, executions and writes of one learnt service) are decoded
and correlated without the watcher, with it, and with it while it learns: ns an event, best of the rounds, turn by turn
in one run.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from collector.behaviour.settings import BehaviourSettings
from collector.behaviour.watcher import Watcher
from collector.correlate import Correlator
from collector.inventory import Agent
from collector.model import Process
from probes.vocabulary import Events, KernelEvent

APP, EVENTS = 100, 25
decode = msgspec.json.Decoder(Events).decode


def request(number: int) -> list[KernelEvent]:
    """The events of one request."""
    known = {"attribution": "exact", "request_id": f"{number:016x}", "process_start": 10**18, "comm": "gunicorn"}

    def event(kind: str, **fields: object) -> KernelEvent:
        return KernelEvent(kind, 10**18 + number, APP, APP, **known, **fields)  # type: ignore[arg-type]

    opens = [event("open", path=f"/srv/shop/templates/part{n}.html", flags=0o2000000) for n in range(EVENTS - 5)]
    return [
        *opens,
        event("connect", family="ipv4", address="10.0.0.7", port=5432, verified=True),
        event("fork", child_pid=APP + 1 + number % 1000),
        event("exec", path="/usr/bin/convert", argv=("convert", "-resize", "100", "in.png", "out.png")),
        event("open", path=f"/srv/shop/media/{number}.jpg", flags=0o101),
        event("rename", path=f"/srv/shop/media/{number}.tmp", target=f"/srv/shop/media/{number}.jpg"),
    ]


def watched(mode: str) -> Correlator:
    """A correlator with a watcher, after or while learning."""
    correlator = Correlator()
    if mode == "without":
        return correlator
    watcher = Watcher(BehaviourSettings("learn" if mode == "learning" else "watch", 24, 1))
    agent = Agent(Process(APP, "shop"), counters={"requests": 1})
    watcher.opened(agent)
    for number in range(20):
        watcher.take(request(number))
    watcher.status(agent)
    correlator.unusual = watcher.take
    return correlator


def run(mode: str, batches: list[bytes]) -> float:
    """Seconds for all batches."""
    correlator = watched(mode)
    begin = time.perf_counter()
    for number, batch in enumerate(batches):
        correlator.on_kernel(decode(batch).events)
        correlator.on_clean([f"{number * 40 + n:016x}" for n in range(40)])
    return time.perf_counter() - begin


def best(work: Callable[[str], float], modes: tuple[str, ...], rounds: int) -> dict[str, float]:
    times = [{mode: work(mode) for mode in modes} for _ in range(rounds)]
    return {mode: min(one[mode] for one in times) for mode in modes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    events = [request(number) for number in range(options.requests)]
    batches = [
        msgspec.json.encode(Events([event for one in events[start : start + 40] for event in one]))
        for start in range(0, options.requests, 40)
    ]
    found = best(lambda mode: run(mode, batches), ("without", "watching", "learning"), options.rounds)
    for mode, seconds in found.items():
        each = seconds / (options.requests * EVENTS) * 1e9
        print(f"{mode:<10} {each:7.0f} ns an event   {seconds / found['without']:.3f}")


if __name__ == "__main__":
    main()
