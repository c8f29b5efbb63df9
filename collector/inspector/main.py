"""Builds an inspector: `python -m collector.inspector.main --fd N --link N [--tcp N] [--counts N]`; the core does so.

`--fd` is the listening agent socket, `--tcp` a listener on loopback where there is one, `--link` one end of a socket
pair whose first frame is SETUP. It ends when the core does: at the end of the link, at SIGTERM, and by the kernel where
prctl(2) works.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from functools import partial

import uvloop

from collector.core import link
from collector.inspector import privileges
from collector.inspector.connection import Connection
from collector.inspector.corelink import CoreLink
from collector.inspector.counters import Counters
from collector.inspector.crowd import Crowd
from collector.inspector.desk import Desk, Judge
from collector.inspector.door import Door
from collector.inspector.judge import build_judge
from collector.inspector.limits import Limits
from collector.inspector.views import Views
from collector.inspector.worker import Worker
from collector.model import Request, RequestReport
from collector.policy.compiled import Compiled
from collector.policy.countries import Country, opened
from collector.policy.counts import Counts
from collector.policy.document import Policy
from collector.priority import go_first
from collector.wire.frames import HEADER, decode_head

BACKLOG = 4096

log = logging.getLogger("cowitness.inspector")


def main() -> None:
    """Parse the two descriptors, read SETUP, serve until the core ends."""
    parser = argparse.ArgumentParser(description="An inspector of Cowitness; the core starts it.")
    parser.add_argument("--fd", type=int, required=True, help="the listening agent socket")
    parser.add_argument("--link", type=int, required=True, help="the socket pair to the core")
    parser.add_argument("--tcp", type=int, help="the listener for agents without Unix sockets")
    parser.add_argument("--counts", type=int, help="the table in which all inspectors count requests")
    arguments = parser.parse_args()
    parent = os.getppid()
    privileges.raise_file_limit()
    channel = socket.socket(fileno=arguments.link)
    with contextlib.suppress(ConnectionError):
        setup = read_setup(channel)
        judge = build_judge(setup)
        compile = partial(Compiled, counts=Counts(arguments.counts), country=countries_of(setup))
        go_first(int(setup.settings.get("inspector", {}).get("nice", 0)))
        privileges.drop()
        privileges.die_with(parent)
        listeners = [socket.socket(fileno=fd) for fd in (arguments.fd, arguments.tcp) if fd is not None]
        uvloop.run(serve(listeners, channel, setup, judge, compile))


async def serve(
    listeners: list[socket.socket], channel: socket.socket, setup: link.Setup, judge: Judge,
    compile: Callable[[Policy], Compiled] = Compiled,
) -> None:  # fmt: skip
    """Hold the agents' connections until the core is gone or asks for an end."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    counters = Counters()
    limits = limits_of(setup)
    core = CoreLink(counters, ended.set)
    crowd, views = Crowd(limits), Views(limits)
    worker = Worker(judge, views, counters, lambda: core.has_room)
    core.on_room = worker.resume
    core.on_wanted = lambda wanted: report_ended(core, views.want(wanted.request_ids))
    desk = Desk(judge, worker, core, crowd, counters, setup, compile)
    await loop.create_unix_connection(lambda: core, sock=channel)
    servers = await listen(listeners, lambda: Connection(desk, crowd, counters, limits), setup.token, counters)
    tasks: list[asyncio.Task[object]] = [
        asyncio.create_task(worker.run()),
        asyncio.create_task(housekeeping(core, crowd, counters, judge)),
    ]
    gc.collect()
    gc.freeze()
    tasks.append(asyncio.create_task(ended.wait(), name="end"))
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)  # a failed task ends us: the core starts anew
    for server in servers:
        server.close()
    for task in tasks:
        task.cancel()


def report_ended(core: CoreLink, requests: list[Request]) -> None:
    """Report requests that the core asks for after they ended."""
    if requests:
        core.evidence(link.Evidence(tuple(RequestReport(request, ()) for request in requests)), lambda: None)


async def listen(
    listeners: list[socket.socket], make: Callable[[], Connection], token: str, counters: Counters
) -> list[asyncio.Server]:
    """Serve the Unix socket, and TCP behind the door."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_unix_server(make, sock=listeners[0], backlog=BACKLOG)]
    for listener in listeners[1:]:
        servers.append(await loop.create_server(Door(token, make, counters), sock=listener, backlog=BACKLOG))
    return servers


async def housekeeping(core: CoreLink, crowd: Crowd, counters: Counters, judge: Judge) -> None:
    """Once a second: send overdue connections away, tell the core the totals."""
    while True:
        crowd.sweep(time.monotonic())
        for kind, count in judge.cuts.items():
            counters.add("cut", kind, count)
        judge.cuts.clear()
        core.tell(link.STATS, counters.stats(crowd.count, resident_bytes()))
        await asyncio.sleep(1.0)


def limits_of(setup: link.Setup) -> Limits:
    """The default limits, fitted to the files that this process may open."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    configured = setup.settings.get("inspector", {}).get("max_connections", Limits().connections)
    return Limits(connections=max(16, min(int(configured), files - 64)))


def countries_of(setup: link.Setup) -> Country | None:
    """The database of countries, where one is configured; the core has checked it, but it may be gone since."""
    path = setup.settings.get("policy", {}).get("country_database", "")
    try:
        return opened(path) if path else None
    except ValueError as error:
        log.error("no entry for a country counts in this inspector: %s", error)
        return None


def read_setup(channel: socket.socket) -> link.Setup:
    """Read the first frame, blocking; raises ConnectionError when the core is gone."""
    head = decode_head(_exactly(channel, HEADER.size), link.MAX_BODY)
    return link.decode_setup(_exactly(channel, head.length))


def _exactly(channel: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = channel.recv(size - len(data))
        if not more:
            raise ConnectionError("the core is gone")
        data += more
    return data


def resident_bytes() -> int:
    """This process's resident memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main()
