"""Real loads through a whole node, accounted to the last event.

    .venv/bin/python bench/kernel_load.py [--only opens --only build ...] [--scale 1] [--workers 2]

An app of two workers runs each load of bench/workloads.py in a request, process storms and connections outside of one,
too, and all at once, while attacks come in. For each: how many events of each kind it made (its own by their number,
those of its beginning and of the attacks as measured on an idle node), how many the probes saw, how many were lost and
counted, and what is missing of them; what the processes cost, the most memory that they took (PSS: the kernel maps a
ring's pages twice), the longest answer of the metrics endpoint, and whether every attack was confirmed.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.workloads import Workload, prepare
from tests.e2e.harness import ROOT, App, Node, free_port, running_app, running_node, wait_for, watched

ROLES = ("inspector", "probes", "core")
ATTACK_EVERY = 0.5  # seconds
FILES = 211
CALIBRATION = "/run?word=x;cat%20/proc/version"
RINGS = {"ring_full": False, "bulk_ring_full": True}
BULK = ("open", "send")
STAGES = ("dropped.probes.socket_full", "dropped.pipeline.kernel_queue_full", "dropped.correlate.kernel_events_error")
"""Where events are lost that the probes saw."""


@dataclass
class Job:
    """A load, in a request or outside of any."""

    load: Workload
    outside: bool = False

    @property
    def path(self) -> str:
        load = self.load
        place = f"/load?kind={load.kind}&count={load.count}&workers={load.workers}&rate={load.rate}"
        return place + "&outside=1" * self.outside

    def idle(self) -> Job:
        """The same without its work."""
        return Job(Workload(self.load.kind, 0, self.load.workers), self.outside)


@dataclass
class Account:
    """Events by kind: `made`, `seen` by the probes, `lost` anywhere; `missing` of all stages together. `verdicts`: of
    the attacks before."""

    made: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    attacks: int = 0
    seconds: float = 0.0
    late: float = 0.0
    stages: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)


def counters(node: Node) -> Counter[str]:
    return Counter({name: int(count) for name, count in node.json("hosts")[0]["counters"].items()})


def settled(node: Node) -> Counter[str]:
    """The totals once nothing waits and nothing new comes: what probes say of themselves comes every second."""
    before = Counter[str]()
    while True:
        time.sleep(1.2)
        now = counters(node)
        waiting = now["queued.kernel_events"] + now["queued.probe_bytes"]
        if not waiting and part(now, "kernel_events.") == part(before, "kernel_events."):
            return now
        before = now


def part(totals: Counter[str], prefix: str) -> Counter[str]:
    return Counter({name.removeprefix(prefix): n for name, n in totals.items() if name.startswith(prefix) and n})


def growth(after: Counter[str], before: Counter[str]) -> Counter[str]:
    return Counter({name: count - before[name] for name, count in after.items() if count != before[name]})


def attack(app: App, number: int) -> None:
    app.get(f"/run?word=x;cat%20/proc/version%20%23{number}")


def asked(node: Node, app: App, path: str) -> Counter[str]:
    """What a request makes by itself on an idle node: once it comes to the same twice, as each worker of the app does
    some things once only."""
    last = Counter[str]()
    while True:
        before = settled(node)
        status, said = app.get(path)
        assert status == 200, said
        found = part(growth(settled(node), before), "kernel_events.")
        if found == last:
            return found
        last = found


def accounted(node: Node, app: App, jobs: Sequence[Job]) -> Account:
    """Do the jobs at once, with attacks beside them, and account for every event of the kinds that they make."""
    kinds = set().union(*(job.load.events(job.outside) for job in jobs))
    account = Account()
    for job in jobs:
        account.made += job.load.events(job.outside)
        account.made += asked(node, app, job.idle().path)
    one_attack = asked(node, app, CALIBRATION)
    account.verdicts = verdicts(node)
    before, begin = settled(node), time.monotonic()
    with ThreadPoolExecutor(len(jobs)) as pool:
        running = [pool.submit(app.get, job.path) for job in jobs]
        while not all(one.done() for one in running):
            attack(app, account.attacks)
            account.attacks += 1
            time.sleep(ATTACK_EVERY)
    for one in running:
        status, said = one.result()
        assert status == 200, said
    account.seconds = time.monotonic() - begin
    grown = growth(settled(node), before)
    account.late = time.monotonic() - begin - account.seconds
    for kind, count in one_attack.items():
        account.made[kind] += count * account.attacks
    account.seen, account.lost = part(grown, "kernel_events."), part(grown, "lost_events.")
    account.stages = part(grown, "dropped.")
    account.missing = sum(account.seen.values()) - grown["handled.kernel_events"] - sum(grown[one] for one in STAGES)
    for ring, bulk in RINGS.items():
        if mine := [kind for kind in kinds if (kind in BULK) is bulk]:
            account.missing += sum(account.made[kind] - account.seen[kind] for kind in mine)
            account.missing -= grown[f"dropped.probes.{ring}"]
    for counts in (account.made, account.seen, account.lost):
        for kind in set(counts) - kinds:
            del counts[kind]
    return account


class Onlooker:
    """Asks the metrics endpoint and the processes ten times a second."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._family = {one: role(one) for one in map(psutil.Process, node.family())}
        self._spent = {one: sum(one.cpu_times()[:2]) for one in self._family}
        self._end = threading.Event()
        self.longest = 0.0
        self.answers = 0
        self.memory: Counter[str] = Counter()
        self.cpu: Counter[str] = Counter()

    @contextlib.contextmanager
    def looking(self) -> Iterator[Onlooker]:
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield self
        finally:
            self._end.set()
            thread.join()
            for one, name in self._family.items():
                self.cpu[name] += sum(one.cpu_times()[:2]) - self._spent[one]

    def _look(self) -> None:
        while not self._end.wait(0.1):
            begin = time.monotonic()
            assert "cowitness_kernel_events_total" in self._node.metrics()
            self.longest = max(self.longest, time.monotonic() - begin)
            self.answers += 1
            for one, name in self._family.items():
                self.memory[name] = max(self.memory[name], one.memory_full_info().pss)


def role(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    return next((name for name in ROLES if name in line), "core")


@contextlib.contextmanager
def flooded(node: Node, folder: Path, files: int) -> Iterator[App]:
    """The app, watched; `folder` is filled."""
    port = free_port()
    where = f"--chdir {ROOT} -b 127.0.0.1:{port} bench.flood_site:app"
    command = f"gunicorn -w 2 -k gthread --threads 8 --timeout 600 {where}"
    place = str(prepare(folder, files))
    with running_app(node, command.split(), port, folder, COWITNESS_SERVICE="flood", KERNEL_LOAD=place) as app:
        wait_for(lambda: watched(app, node, "flood", 3), 60, "the workers are watched")
        with ThreadPoolExecutor(16) as pool:  # what is loaded or opened once, in both workers
            list(pool.map(app.get, [CALIBRATION] * 32))
        yield app


def verdicts(node: Node) -> Counter[str]:
    """Attack traces of the app, by verdict."""
    return Counter(one["verdict"] for one in node.traces("--service", "flood"))


def judged(node: Node, account: Account) -> Counter[str]:
    """What came of the attacks, by verdict, once all are confirmed, or a minute has passed."""

    def confirmed() -> bool:
        return (verdicts(node) - account.verdicts)["VERDICT_CONFIRMED"] >= account.attacks

    with contextlib.suppress(AssertionError):
        wait_for(confirmed, 60, "every attack is confirmed")
    return verdicts(node) - account.verdicts


def cases(scale: float, workers: int) -> dict[str, list[Job]]:
    def work(kind: str, count: float, rate: float = 0) -> Workload:
        return Workload(kind, int(count * scale) if kind != "build" else FILES, workers, rate)

    storm, talk = work("programs", 4001), work("connections", 20011)
    return {
        "opens 20,000/s": [Job(work("opens", 80_021, 10_000))],
        "opens 50,000/s": [Job(work("opens", 200_003, 25_000))],
        "opens 100,000/s": [Job(work("opens", 400_009, 50_000))],
        "process storm": [Job(storm)],
        "process storm, outside": [Job(storm, True)],
        "forks": [Job(work("forks", 20_011))],
        "connections": [Job(talk)],
        "connections, outside": [Job(talk, True)],
        "datagrams": [Job(work("datagrams", 100_003))],
        "dns": [Job(work("dns", 50_021))],
        "build": [Job(work("build", FILES))],
        "all at once": [Job(storm), Job(storm, True), Job(talk), Job(work("dns", 20_011)), Job(work("build", FILES))],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], help="loads that begin so")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with running_node() as node, tempfile.TemporaryDirectory() as folder:
        assert node.witnesses(), node.unwitnessed()
        with flooded(node, Path(folder), FILES) as app:
            for name, jobs in cases(options.scale, options.workers).items():
                if not options.only or name.startswith(tuple(options.only)):
                    with Onlooker(node).looking() as onlooker:
                        account = accounted(node, app, jobs)
                    tell(name, account, onlooker, node, judged(node, account))


def tell(name: str, account: Account, onlooker: Onlooker, node: Node, came: Counter[str]) -> None:
    made = sum(account.made.values())
    rows = ", ".join(
        f"{kind} {count} made {account.seen[kind]} seen {account.lost[kind]} lost"
        for kind, count in account.made.items()
    )
    print(f"{name}: {made / account.seconds:.0f} events/s for {account.seconds:.1f} s; missing {account.missing}")
    print(f"  {rows}; the last was taken {max(0.0, account.late - 2.4):.1f} s after the end")
    if account.stages:
        print("  " + ", ".join(f"{stage} {count}" for stage, count in account.stages.items()))
    print("  " + ", ".join(f"{role} {onlooker.cpu[role] / account.seconds * 100:.0f} % of a CPU, at most "
                           f"{onlooker.memory[role] / 2**20:.0f} MiB" for role in ROLES))  # fmt: skip
    known = counters(node)
    print(
        f"  {account.attacks} attacks, {dict(came)}; metrics answered {onlooker.answers} times, "
        f"at most after {onlooker.longest * 1000:.0f} ms; {known['known_processes']} processes known", flush=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
