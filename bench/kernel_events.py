"""Kernel events: throughput, loss, and what the probe process costs.

    .venv/bin/python bench/kernel_events.py [--rate 20000] [--seconds 10] [--processes 2] [--node]

With --node a whole node stands behind the probes, and an app of two workers floods it with opens, and a program for
every 500 of them, while attacks come in: what was dropped, by kind, what it cost, and whether every attack was
confirmed. Without it marked processes open a file at the given total rate, and a core of a few lines counts what
arrives; also the cost of one open(2), and of one question and answer on a kept TCP connection, with the probes against
without them, unmarked and marked, in one run (ns, best of five).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.e2e.harness import App, Node, free_port, running_app, running_node, wait_for, watched
from tests.probes.support import ROOT, Core, Marked, probes

LOAD = """
    import time
    rate, seconds = float(sys.argv[1]), float(sys.argv[2])
    mark(0x77)
    begin, done = time.perf_counter(), 0
    while time.perf_counter() < begin + seconds:
        due = int((time.perf_counter() - begin) * rate)
        while done < due:
            os.close(os.open("/proc/uptime", os.O_RDONLY))
            done += 1
        time.sleep(0.001)
    mark(0)
    print(done)
"""
OPEN = """
    import time
    def best():
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            for _ in range(20000):
                os.close(os.open("/proc/uptime", os.O_RDONLY))
            times.append(time.perf_counter() - begin)
        return min(times) / 20000 * 1e9
    print(best())
    mark(0x78)
    print(best())
"""

TALK = """
    import time
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    peer, _ = server.accept()
    def best():
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            for _ in range(5000):
                client.send(b"question")
                peer.recv(100)
                peer.send(b"answer")
                client.recv(100)
            times.append(time.perf_counter() - begin)
        return min(times) / 5000 * 1e9
    print(best())
    mark(0x79)
    print(best())
"""


def throughput(core: Core, process: subprocess.Popen[bytes], rate: float, seconds: float, processes: int) -> None:
    load = [Marked(LOAD, str(rate / processes), str(seconds)) for _ in range(processes)]
    core.register(*(one.pid for one in load))
    witness = psutil.Process(process.pid)
    before, cpu = core.stats(), sum(witness.cpu_times()[:2])
    begin = time.monotonic()
    for one in load:
        assert one.process.stdin
        one.process.stdin.write(b"\n")
        one.process.stdin.flush()
    while time.monotonic() < begin + seconds + 1:
        core.read()
    cpu = sum(witness.cpu_times()[:2]) - cpu
    after = core.stats()
    done = sum(int(one.go()) for one in load)
    seen = len([event for event in core.of(0x77) if event.kind == "open"])
    lost = {k: n - before.dropped.get(k, 0) for k, n in after.dropped.items() if n - before.dropped.get(k, 0)}
    print(f"{done} opens ({done / seconds:.0f}/s), received {seen}, lost {done - seen}, counted as dropped: {lost}")
    print(f"probes: {cpu / seconds * 100:.0f} % of one CPU, {after.memory_bytes / 2**20:.1f} MiB")


def cost_of(code: str, core: Core | None) -> list[float]:
    marked = Marked(code)
    if core:
        core.register(marked.pid)
    return [float(line) for line in marked.go().split()]


ROLES = ("inspector", "probes", "core")


def with_node(rate: float, seconds: float) -> None:
    port = free_port()
    place = f"--chdir {ROOT} -b 127.0.0.1:{port} bench.flood_site:app"
    command = f"gunicorn -w 2 -k gthread --threads 4 {place}".split()
    with running_node() as node, tempfile.TemporaryDirectory() as folder:
        assert node.witnesses(), node.unwitnessed()
        with running_app(node, command, port, Path(folder), COWITNESS_SERVICE="flood") as app:
            wait_for(lambda: watched(app, node, "flood", 3), 60, "the workers are watched")
            flooded(node, app, rate, seconds)


def flooded(node: Node, app: App, rate: float, seconds: float) -> None:
    family = [psutil.Process(pid) for pid in node.family()]
    before, counted = {one.pid: sum(one.cpu_times()[:2]) for one in family}, counters(node)
    begin, attacks = time.monotonic(), 0
    with ThreadPoolExecutor(2) as pool:
        floods = [pool.submit(app.get, f"/flood?rate={rate / 2}&seconds={seconds}") for _ in range(2)]
        while not all(flood.done() for flood in floods):
            app.get(f"/run?word=x;cat%20/proc/version%20%23{attacks}")
            attacks += 1
            time.sleep(0.5)
    took = time.monotonic() - begin
    done, ran = (sum(int(flood.result()[1].split()[place]) for flood in floods) for place in (0, 1))
    wait_for(lambda: not waiting(node), 120, "everything that waited has been taken")
    late = time.monotonic() - begin - took
    spent = dict.fromkeys(ROLES, 0.0)
    for one in family:
        spent[role(one)] += (sum(one.cpu_times()[:2]) - before[one.pid]) / took * 100
    lost = {name: count - counted.get(name, 0) for name, count in counters(node).items()
            if name.startswith(("lost_events.", "dropped.probes", "dropped.pipeline"))}  # fmt: skip
    confirmed = wait_for(lambda: settled(node, attacks), 60, "the attacks' traces")
    print(f"{done} opens ({done / took:.0f}/s) and {ran} programs in {took:.1f} s")
    print(f"dropped: {({name: count for name, count in sorted(lost.items()) if count} or 'nothing')}")
    print(f"attacks: {attacks}, confirmed {confirmed}; the last event was taken {late:.1f} s after the end")
    print("% of one CPU: " + ", ".join(f"{name} {percent:.0f}" for name, percent in spent.items()))


def role(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    return next((name for name in ROLES if name in line), "core")


def settled(node: Node, attacks: int) -> int:
    """How many attacks are confirmed, once every one has its trace."""
    traces = node.traces("--service", "flood")
    return sum(one["verdict"] == "VERDICT_CONFIRMED" for one in traces) if len(traces) >= attacks else 0


def waiting(node: Node) -> int:
    """Events in the core's queue, and bytes on their way to it as the probes last said (every second)."""
    time.sleep(1.1)
    known = counters(node)
    return known["queued.kernel_events"] + known["queued.probe_bytes"]


def counters(node: Node) -> dict[str, int]:
    return {name: int(count) for name, count in node.json("hosts")[0]["counters"].items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=20_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--node", action="store_true")
    options = parser.parse_args()
    if options.node:
        with_node(options.rate, options.seconds)
    else:
        with_probes(options)


def with_probes(options: argparse.Namespace) -> None:
    bare, quiet = cost_of(OPEN, None)[0], cost_of(TALK, None)[0]
    before = time.monotonic()
    with probes() as (core, process):
        print(f"probes ready after {time.monotonic() - before:.2f} s")
        throughput(core, process, options.rate, options.seconds, options.processes)
        unmarked, marked = cost_of(OPEN, core)
        talk = cost_of(TALK, core)
    print(f"one open+close: {bare:.0f} ns without probes, {unmarked:.0f} unmarked, {marked:.0f} marked")
    print(f"one question and answer: {quiet:.0f} ns without probes, {talk[0]:.0f} unmarked, {talk[1]:.0f} marked")


if __name__ == "__main__":
    main()
