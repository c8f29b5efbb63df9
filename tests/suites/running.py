"""One run of a suite, bare or under `cowitness-run`: in a copy of its own, with the outcome of every test."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from tests.e2e.harness import ROOT, Node
from tests.matrix.environments import environment
from tests.suites.sources import source
from tests.suites.suites import ALL, Suite

RECORDER = Path(__file__).with_name("programs")
COPIED = ("tests", "pyproject.toml", "setup.cfg", "CHANGES.rst")
LIMIT = 7200 if ALL else 900
BARE = "bare"


class Run:
    """A started run; `finish` waits for it. `mode` is "bare", "monitor" or "block"."""

    def __init__(self, suite: Suite, mode: str, node: Node, directory: Path) -> None:
        self.suite, self.mode, self.directory = suite, mode, directory / mode
        self.service = f"{suite.name} {mode}"
        self.outcomes: dict[str, list[str]] = defaultdict(list)
        self.details: dict[str, str] = {}
        self.status: dict[str, Any] = {}
        self.directory.mkdir()
        copy(source(suite.source, suite.python), self.directory)
        found = environment(suite.environment, suite.python)
        watched = [found.python, str(ROOT / "pyagent" / "run.py")] if mode != BARE else []
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*watched, found.python, *suite.command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.directory / "tests" if suite.django else self.directory,
                env=self.variables(found.directory, node), start_new_session=True,
            )  # fmt: skip

    def variables(self, packages: Path, node: Node) -> dict[str, str]:
        """What the run's processes are told. Packages are the user's own (PEP 370): some tests start processes with a
        PYTHONPATH of their own, which need them, too."""
        place, base = self.directory / "scratch", self.directory / "user"
        place.mkdir()
        site = base / "lib" / f"python{self.suite.python}" / "site-packages"
        site.mkdir(parents=True)
        (site / "suite.pth").write_text(f"{RECORDER}\n{packages}\n")
        found = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COWITNESS", "VIRTUAL_ENV"))}
        found |= {
            "TMPDIR": str(place), "PYTHONUSERBASE": str(base), "PYTHONDONTWRITEBYTECODE": "1",
            "SUITE_OUTCOMES": str(self.directory / "outcomes"),
        }  # fmt: skip
        if self.mode != BARE:
            found |= {
                "COWITNESS_RUN_DIR": str(node.run_dir), "COWITNESS_SERVICE": self.service,
                "COWITNESS_MODE": self.mode, "COWITNESS_DEADLINE_MS": "1000",
                "SUITE_SWALLOWED": str(self.directory / "swallowed"),
            }  # fmt: skip
        return found

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def swallowed(self) -> str:
        """What the agent's guard swallowed in any process of the run."""
        path = self.directory / "swallowed"
        return path.read_text() if path.exists() else ""

    def finish(self) -> None:
        """Wait for the end, and read what was recorded."""
        try:
            self.process.wait(LIMIT)
        finally:
            self.stop()
        for line in (self.directory / "outcomes").read_text().splitlines():
            self.take(json.loads(line))

    def take(self, line: dict[str, Any]) -> None:
        """A line of the recorder's; the folder of this run stands in some tests' names."""
        if "status" in line:
            self.status = line["status"]
            return
        test = line["test"].replace(str(self.directory), "")
        if test not in self.suite.excluded:
            self.outcomes[test].append(line["outcome"])
            self.details[test] = line["detail"]

    def stop(self) -> None:
        """End what is left of the run's processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def counts(self) -> Counter[str]:
        """How many outcomes of each kind."""
        return Counter(outcome for outcomes in self.outcomes.values() for outcome in outcomes)


def copy(folder: Path, target: Path) -> None:
    """A suite writes into its own folder: each run has a copy."""
    for name in COPIED:
        if (folder / name).is_dir():
            shutil.copytree(folder / name, target / name, symlinks=True)
        elif (folder / name).exists():
            shutil.copy(folder / name, target / name)


def differences(bare: Run, watched: Run) -> dict[str, str]:
    """The tests that did not end alike, with what the watched run says of them."""
    found = {}
    for test in sorted(set(bare.outcomes) | set(watched.outcomes)):
        before, after = sorted(bare.outcomes.get(test, [])), sorted(watched.outcomes.get(test, []))
        if before != after:
            found[test] = f"{before} bare, {after} watched\n{watched.details.get(test, '')}"
    return found
