"""Ten thousand requests of every kind in one process: nothing is left of them but what was there before."""

from __future__ import annotations

import contextlib
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

import pytest

from tests.e2e.harness import Node, short_directory, wait_for
from tests.transparent import asgi_cases, wsgi_cases
from tests.transparent.servers import BLOCKS, GUNICORN, SITES, SMALL, Running, Server, running
from tests.transparent.wsgi_cases import Case

WSGI = f"{GUNICORN} -k gthread --threads 4 {SITES}wsgi_site"
ASGI = f"-m uvicorn --port {{port}} --log-level critical --http httptools {SITES}asgi_site:application"
WERKZEUG = f"-m {SITES}wsgi_site werkzeug {{port}}"
CASES = {"wsgi": wsgi_cases.cases, "asgi": asgi_cases.cases}
SOAKS = [
    (Server("gunicorn gthread", "servers-old", "2.7", WSGI, SMALL | {"pipelines"}), "wsgi", 10_000),
    (Server("gunicorn gthread", "flask-3", "3.13", WSGI, SMALL), "wsgi", 10_000),
    (Server("uvicorn", "asgi-loops", "3.13", ASGI, SMALL | {"websocket"}), "asgi", 10_000),
    (Server("a thread each", "flask-3", "3.13", WERKZEUG, SMALL | {"keep-alive"}, BLOCKS, True), "wsgi", 1_000),
]
LARGE = 1 << 20
"""Bodies of so many bytes are left out: they only take long."""

CLIENTS = 4
WARM_UP = 1_000
PATHS = (b"/answer/works?q=1%27%20OR%20%271%27=%271", b"/answer/works?f=../../etc/passwd")
"""What attacks ask for: these records leave at once, and the node judges them."""

MAX_OBJECTS = 60
"""More objects of one class than before. Of 10,000 requests every case gets 90 at least, and would leave more."""

MAX_HANDLES = 8
"""More descriptors of one kind, or threads, than before: a pool may not have been full yet."""

MAX_SIZE = 512
"""KiB that all objects together are larger."""

MAX_MEMORY = 32768
"""KiB that the process is larger. Records that wait for the node have filled 8 MiB (outbox.MAX_WEIGHT) at times, those
that it had not acknowledged 4 more, and both have stood in frames again; such memory does not always go back."""


@pytest.mark.parametrize(("server", "kind", "count"), SOAKS, ids=[str(server) for server, _, _ in SOAKS])
def test_nothing_is_left(server: Server, kind: str, count: int, node: Node) -> None:
    """No object, garbage, descriptor, socket or thread more than after the warm-up, and no more memory."""
    cases = [anonymous(case) for case in CASES[kind]() if not case.needs & server.lacks and case.body < LARGE]
    cases += [Case("attack", (b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path,)) for path in PATHS]
    with short_directory() as directory, running(server, directory, node.run_dir) as one:
        serve(one, cases, WARM_UP)
        before = settled(one, None)
        serve(one, cases, count)
        after = settled(one, before)
        state = one.status()
    assert growth(before, after) == []
    assert (state["problems"], state["counters"].get("guard_errors", 0), state["connected"]) == ([], 0, True)
    assert state["counters"]["requests"] > count


def anonymous(case: Case) -> Case:
    """The case without its name, so that the site keeps no journal of it."""
    steps = (re.sub(rb"X-Case: [^\r]*\r\n", b"", step) if isinstance(step, bytes) else step for step in case.steps)
    return Case(case.name, tuple(steps), case.needs)


def serve(one: Running, cases: list[Case], count: int) -> None:
    """So many requests, of every case in turn."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in pool.map(one.talk, islice(cycle(cases), count)):
            pass


def settled(one: Running, before: dict[str, Any] | None) -> dict[str, Any]:
    """What the process holds once the last records are out: when two looks see the same, or nothing has grown."""
    looks = [one.json("/state")]

    def quiet() -> bool:
        looks.append(one.json("/state"))
        return not growth(before or looks[-2], looks[-1])

    with contextlib.suppress(AssertionError):  # the test says what has grown
        wait_for(quiet, 120)
    return dict(looks[-1])


def growth(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What there is more of."""
    more = [f"{count} {kind}" for kind, count in added(before["kinds"], after["kinds"]) if count > MAX_OBJECTS]
    handles = [{**state["files"], "thread": state["threads"]} for state in (before, after)]
    more += [f"{count} {kind}" for kind, count in added(*handles) if count > MAX_HANDLES]
    if after["garbage"]:
        more.append(f"{after['garbage']} objects that cannot be collected")
    for name, most in (("size", MAX_SIZE), ("memory", MAX_MEMORY)):
        if after[name] > before[name] + most:
            more.append(f"a {name} of {after[name]} KiB, not {before[name]}")
    return more


def added(before: dict[str, int], after: dict[str, int]) -> list[tuple[str, int]]:
    """How many more of each kind."""
    return [(kind, count - before.get(kind, 0)) for kind, count in after.items()]
