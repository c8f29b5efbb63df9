"""Kernel events: throughput, loss, and what the probe process costs.

    .venv/bin/python bench/kernel_events.py [--rate 20000] [--seconds 10] [--processes 2]

Marked processes open a file at the given total rate, and a core of a few lines counts what arrives; also the cost of
one open(2), and of one question and answer on a kept TCP connection, with the probes against without them, unmarked
and marked, in one run (ns, best of five). A whole node: bench/kernel_load.py.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.probes.support import Core, Marked, probes

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=20_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
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
