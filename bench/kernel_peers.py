"""The same loads under us and under others that watch executions, opens and connections, turn by turn in one run.

    .venv/bin/python bench/kernel_peers.py [--rounds 5] [--only build ...]

Loads (bench/workloads.py): opens, a loop of 16 calls with one open, programs, connections (both ends on one processor),
a build, and a server of two workers under wrk. Each round goes through them bare, then under each watcher, then bare
again: of each watcher the medians of its rounds' ratios to the bare runs beside them, of the time and of the CPU that
the load took (of the server for a request), the CPU that the watcher took itself, its most memory, and how many opens,
programs and connections it told in the last round. All watch one user's processes: bpftrace by one script for the four
calls, auditd by rules for them; for us they are one request (of the server they are its workers, without the agent:
bench/kernel_server.py has that). Who is not installed or does not start on this kernel is named with its words. Needs
root, gcc and make; wrk for the server; bpftrace and auditd for the others. Audit rules are taken back; a host that uses
audit already is left alone. bcc's own snoops need the headers of the running kernel and are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.watchers import USER, WATCHERS, UnableError, Watcher
from bench.workloads import Workload, prepare
from tests.e2e.harness import BIN, ROOT, free_port, wait_for
from tests.probes.support import Marked

Times = tuple[float, float]
"""Seconds by the clock, and of CPU."""

LOADS = {
    "opens": Workload("opens", 50_000), "calls": Workload("calls", 15_000), "programs": Workload("programs", 500),
    "connections": Workload("connections", 20_000, pinned=True), "build": Workload("build", 61, 2),
}  # fmt: skip
LOAD = """
    import resource, subprocess, time
    os.setuid(int(sys.argv[1]))
    mark(0x55)
    begin = time.perf_counter()
    subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(time.perf_counter() - begin, spent.ru_utime + spent.ru_stime)
"""


class Server:
    """Workers of gunicorn, and wrk."""

    def __init__(self, folder: Path, user: int, *prefix: str, workers: int = 2, **environment: str) -> None:
        self._port, self._workers = (port := free_port()), workers
        command = f"gunicorn -w {workers} --chdir {ROOT} -b 127.0.0.1:{port} bench.flood_site:app".split()
        named = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1", **environment}
        with (folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen([*prefix, *command], env=named, stdout=log, stderr=log, user=user)
        wait_for(lambda: len(self.workers()) == workers and self.load(0.1), 30, "the server")

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def load(self, seconds: float) -> Times:
        """Of a request, while two wait for each worker."""
        before, begin = self._spent(), time.monotonic()
        clients, length = f"-c{2 * self._workers}", f"-d{max(1, round(seconds))}"
        command = ["wrk", "-t1", clients, length, f"http://127.0.0.1:{self._port}/"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.search(r"(\d+) requests in", said)
        count = int(found[1]) if found else 1
        return self._workers * (time.monotonic() - begin) / count, (self._spent() - before) / count

    def _spent(self) -> float:
        return sum(sum(one.cpu_times()[:2]) for one in self.workers())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@contextlib.contextmanager
def serving(folder: Path, user: int, *prefix: str, workers: int = 2, **environment: str) -> Iterator[Server]:
    server = Server(folder, user, *prefix, workers=workers, **environment)
    try:
        yield server
    finally:
        server.stop()


def loads(folder: Path, server: Server | None, only: list[str]) -> dict[str, Callable[[Watcher], Times]]:
    """By name what does a load once."""

    def run(load: Workload, watcher: Watcher) -> Times:
        marked = Marked(LOAD, str(USER), *load.command(folder))
        watcher.watch(marked.pid)
        wall, cpu = map(float, marked.go().split())
        return wall, cpu

    def serve(watcher: Watcher) -> Times:
        assert server
        watcher.watch(*(one.pid for one in server.workers()))
        return server.load(4)

    found = {name: (lambda watcher, load=load: run(load, watcher)) for name, load in LOADS.items()}
    if server:
        found["server"] = serve
    return {name: do for name, do in found.items() if not only or name in only}


class Figures:
    """What one watcher came to."""

    def __init__(self) -> None:
        self.ratios: dict[str, list[Times]] = defaultdict(list)
        self.spent: list[float] = []
        self.memory = 0.0
        self.told: Counter[str] = Counter()

    def line(self) -> str:
        medians = {name: list(map(statistics.median, zip(*found, strict=True))) for name, found in self.ratios.items()}
        times = ", ".join(f"{name} x{wall:.2f} (CPU x{cpu:.2f})" for name, (wall, cpu) in medians.items())
        told = ", ".join(f"{count} {name}" for name, count in self.told.items())
        return f"{times}; {statistics.median(self.spent):.2f} s of CPU, {self.memory:.0f} MiB; told {told}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", default=[], help="these loads")
    parser.add_argument("--watcher", action="append", default=[], help="these watchers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = prepare(Path(name), LOADS["build"].count)
        for path in (folder, folder / "tree"):
            os.chown(path, USER, USER)
        server = stack.enter_context(serving(folder, USER)) if shutil.which("wrk") else None
        measure(loads(folder, server, options.only), options.rounds, options.watcher or list(WATCHERS))


def measure(todo: dict[str, Callable[[Watcher], Times]], rounds: int, watchers: list[str]) -> None:
    figures, bare = {name: Figures() for name in watchers}, {name: list[Times]() for name in todo}
    refused: dict[str, str] = {}
    for name, do in todo.items():
        bare[name].append(do(Watcher()))
    for _ in range(rounds):
        for who in watchers:
            with contextlib.suppress(UnableError):
                one_round(who, todo, bare, figures[who], refused)
    took = {name: statistics.median(one[0] for one in found) for name, found in bare.items()}
    print("bare: " + ", ".join(f"{name} {seconds:.4f} s" for name, seconds in took.items()))
    for who, found in figures.items():
        print(f"{who}: " + (found.line() if found.spent else f"does not run here: {refused[who]}"))


def one_round(
    who: str, todo: dict[str, Callable[[Watcher], Times]], bare: dict[str, list[Times]], figures: Figures,
    refused: dict[str, str],
) -> None:  # fmt: skip
    """Under this watcher, then bare; the bare runs before are the last round's."""
    try:
        with WATCHERS[who]() as watcher:
            spent = watcher.spent()
            times = {name: do(watcher) for name, do in todo.items()}
            figures.told = watcher.told()
            figures.spent.append(watcher.spent() - spent)
            if watcher.process:
                figures.memory = max(figures.memory, watcher.process.memory_full_info().pss / 2**20)
    except UnableError as error:
        refused[who] = str(error)
        raise
    for name, do in todo.items():
        bare[name].append(do(Watcher()))
        beside = list(map(statistics.mean, zip(*bare[name][-2:], strict=True)))
        figures.ratios[name].append((times[name][0] / beside[0], times[name][1] / beside[1]))


if __name__ == "__main__":
    main()
