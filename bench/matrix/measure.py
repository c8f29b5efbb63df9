"""One case: all its sides are started together and take turns, so that whatever the machine does meets all of them."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.matrix import calls
from bench.matrix.sides import Side, missing, peer_release, site, variables
from tests.matrix.environments import Environment
from tests.matrix.rows import Row
from tests.matrix.serving import row_environment

CHILD = Path(__file__).with_name("child.py")
PATIENCE = 120.0
PAGES = tuple(calls.PAGES)


class FailedError(Exception):
    """A side does not do what it is there for."""


class Child:
    """A process that serves turns."""

    def __init__(self, row: Row, side: Side, base: Environment, run_dir: Path) -> None:
        command = [base.python, *side.command] + ([base.python] if side.command else []) + [str(CHILD), site(row)]
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self.process = subprocess.Popen(
            command, env=variables(side, base, run_dir), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, cwd=run_dir,
        )  # fmt: skip

    def read(self) -> dict[str, Any]:
        """The next answer; raises FailedError with the process's last words."""
        assert self.process.stdout
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            self.process.wait()
            self.log.seek(0)
            words = self.log.read().decode(errors="replace").strip().splitlines()
            raise FailedError((words or ["ended without a word"])[-1][:200])
        answer: dict[str, Any] = json.loads(line)
        return answer

    def turn(self, page: str, seconds: float) -> tuple[float, float]:
        """CPU and wall time of a request in microseconds."""
        assert self.process.stdin
        self.process.stdin.write(f"{page} {seconds}\n".encode())
        self.process.stdin.flush()
        found = self.read()
        return found["cpu"] / found["requests"] * 1e6, found["wall"] / found["requests"] * 1e6

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()


@dataclass
class Result:
    """What was seen: samples by (side, page), one (CPU, wall) a round; why a side has none."""

    row: Row
    samples: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def bare(self, page: str, kind: int = 0) -> tuple[float, float]:
        """Median and spread without an agent; `kind` 0 is CPU, 1 wall time."""
        return summary([sample[kind] for sample in self.samples["bare", page]])

    def added(self, side: str, page: str, kind: int = 0) -> tuple[float, float] | None:
        """Median and spread over rounds of what a side adds to the bare turn of the same round."""
        mine, bare = self.samples.get((side, page)), self.samples["bare", page]
        if not mine:
            return None
        return summary([a[kind] - b[kind] for a, b in zip(mine, bare, strict=True)])


def summary(values: Sequence[float]) -> tuple[float, float]:
    """The median, and half of what the middle half of the values spans."""
    if len(values) < 2:
        return values[0], 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return middle, (high - low) / 2


def measured(row: Row, sides: Sequence[Side], run_dir: Path, rounds: int, starts: int, seconds: float) -> Result:
    """Measure a case: `starts` times new processes, each for `rounds` rounds of one turn of every page and side."""
    base, result = row_environment(row), Result(row)
    for _ in range(starts):
        with started(row, sides, base, run_dir, result) as children:
            for number in range(rounds):
                order = list(children) if number % 2 else list(reversed(children))
                for page in PAGES:
                    for name in order:
                        result.samples.setdefault((name, page), []).append(children[name].turn(page, seconds))
    return result


@contextlib.contextmanager
def started(
    row: Row, sides: Sequence[Side], base: Environment, run_dir: Path, result: Result
) -> Iterator[dict[str, Child]]:
    """The children of those sides that exist and work here; the reasons of the others go to the result."""
    children: dict[str, Child] = {}
    try:
        for side in sides:
            try:
                if side.name not in result.reasons and (reason := missing(side, base.version)):
                    raise FailedError(reason)
                if side.name not in result.reasons:
                    children[side.name] = Child(row, side, base, run_dir)
                    expect(side, children[side.name].read()["seen"], base.version)
            except FailedError as error:
                result.reasons[side.name] = str(error)
                if side.name in children:
                    children.pop(side.name).stop()
        yield children
    finally:
        for child in children.values():
            child.stop()


def expect(side: Side, seen: list[str], version: str) -> None:
    """A hook that sleeps costs nothing: the site has to say who saw the request."""
    if side.sees and side.sees not in seen:
        what = "traces, but its ASM does not look" if "ddtrace" in seen else "does not take it up"
        raise FailedError(f"{peer_release(side.packages, version) if side.packages else 'the agent'} {what}")
