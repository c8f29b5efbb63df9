"""The servers, each started twice: bare, and with the agent in it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import ROOT, App, free_port, wait_for
from tests.matrix.environments import AbsentError
from tests.matrix.rows import Row
from tests.matrix.serving import row_environment, words
from tests.transparent.talk import End, talk
from tests.transparent.wsgi_cases import Case

SITES = "tests.transparent.sites."
GUNICORN = "-m gunicorn.app.wsgiapp -b 127.0.0.1:{port} -w 1 --log-level critical"
SMALL = frozenset({"large"})
"""What is not asked of a server that shares its code with another, or is slow."""

Seen = tuple[bytes, list[Any]]
"""What a client heard, and what the app noted."""

BLOCKS = (("COWITNESS_MODE", "block"),)


@dataclass(frozen=True)
class Server:
    """`lacks` names what its HTTP cannot do, so that cases which need it are left out; `half_close`: the app's input
    ends where the client says no more, not where the Content-Length does; `variables` are for the watched one."""

    name: str
    packages: str
    version: str
    command: str
    lacks: frozenset[str] = frozenset()
    variables: tuple[tuple[str, str], ...] = ()
    half_close: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def row(self) -> Row:
        return Row("", self.name, self.packages, self.version, self.command)


class Running(App):
    """A server that runs the site; where `watched`, with the agent in it, which tells who listens in `run_dir`."""

    def __init__(self, server: Server, directory: Path, run_dir: Path, watched: bool = True) -> None:
        found = row_environment(server.row)
        self.server, self.port, self.watched = server, free_port(), watched
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = directory / f"app-{self.port}.log"
        command = [*words(server.row, found, self.port)]
        env = {
            **found.variables(ROOT), "PYTHONUNBUFFERED": "1", "COWITNESS_RUN_DIR": str(run_dir),
            "COWITNESS_BODY_BYTES": "65536",
        }  # fmt: skip
        if watched:
            command = [found.python, "-m", "pyagent.run", *command]
            env |= dict(server.variables)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=directory, env=env, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, path: str = "/journal") -> Running:
        super().wait(path)
        return self

    def play(self, cases: Sequence[Case]) -> dict[str, Seen]:
        """What the client heard and what the app saw of each case."""
        heard = {case.name: self.talk(case) for case in cases}
        wait_for(lambda: not self._unfinished(cases), 20, f"the end of {self._unfinished(cases)}")
        journals = self.json("/journal")
        seen = {name: (text, journals.get(name, [])) for name, text in heard.items()}
        return {**seen, "lifespan": (b"", journals.get("lifespan", []))}

    def talk(self, case: Case) -> bytes:
        """What the client heard."""
        steps = (*case.steps, End()) if self.server.half_close else case.steps
        try:
            return talk(self.port, steps)
        except AssertionError as error:
            raise AssertionError(f"{case.name}, {'watched' if self.watched else 'bare'}: {error}") from error

    def _unfinished(self, cases: Sequence[Case]) -> list[str]:
        journals = self.json("/journal")
        return [case.name for case in cases if case.last is not None and case.last not in journals.get(case.name, [])]

    def status(self) -> dict[str, Any]:
        """What the agent in it says of itself."""
        return dict(self.json("/agent"))

    def json(self, path: str) -> Any:
        with urllib.request.urlopen(self.base + path, timeout=20) as answer:
            return json.load(answer)


@contextlib.contextmanager
def pair(server: Server, directory: Path) -> Iterator[tuple[Running, Running]]:
    """(bare, watched), both answering; skips where the interpreter is absent."""
    with contextlib.ExitStack() as stack:
        try:
            both = [Running(server, directory, directory, watched) for watched in (False, True)]
        except AbsentError as error:
            pytest.skip(str(error))
        for one in both:
            stack.callback(one.stop)
        for one in both:
            one.wait()
        yield both[0], both[1]


@contextlib.contextmanager
def running(server: Server, directory: Path, run_dir: Path, watched: bool = True) -> Iterator[Running]:
    """One that answers; skips where the interpreter is absent."""
    try:
        one = Running(server, directory, run_dir, watched)
    except AbsentError as error:
        pytest.skip(str(error))
    try:
        yield one.wait()
    finally:
        one.stop()
