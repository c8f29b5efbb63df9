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
from tests.pyagent.support import Listener
from tests.transparent.talk import End, talk
from tests.transparent.wsgi_cases import Case

SITES = "tests.transparent.sites."
GUNICORN = "-m gunicorn.app.wsgiapp -b 127.0.0.1:{port} -w 1 --log-level critical"
SMALL = frozenset({"large"})
"""What is not asked of a server that shares its code with another, or is slow."""

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
    """A server that runs the site; `listener` where the agent is in it."""

    def __init__(self, server: Server, directory: Path, listener: Listener | None) -> None:
        found = row_environment(server.row)
        self.server, self.port, self.listener = server, free_port(), listener
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = directory / f"app-{self.port}.log"
        command = [*words(server.row, found, self.port)]
        env = {
            **found.variables(ROOT), "PYTHONUNBUFFERED": "1", "COWITNESS_RUN_DIR": str(directory),
            "COWITNESS_BODY_BYTES": "65536",
        }  # fmt: skip
        if listener:
            command = [found.python, "-m", "pyagent.run", *command]
            env |= dict(server.variables)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=directory, env=env, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, path: str = "/journal") -> Running:
        super().wait(path)
        return self

    def play(self, cases: Sequence[Case]) -> dict[str, tuple[bytes, list[Any]]]:
        """What the client heard and what the app saw of each case."""
        heard = {case.name: self._talk(case) for case in cases}
        wait_for(lambda: not self._unfinished(cases), 20, f"the end of {self._unfinished(cases)}")
        journals = self._json("/journal")
        seen = {name: (text, journals.get(name, [])) for name, text in heard.items()}
        return {**seen, "lifespan": (b"", journals.get("lifespan", []))}

    def _talk(self, case: Case) -> bytes:
        steps = (*case.steps, End()) if self.server.half_close else case.steps
        try:
            return talk(self.port, steps)
        except AssertionError as error:
            raise AssertionError(f"{case.name}, {'watched' if self.listener else 'bare'}: {error}") from error

    def _unfinished(self, cases: Sequence[Case]) -> list[str]:
        journals = self._json("/journal")
        return [case.name for case in cases if case.last is not None and case.last not in journals.get(case.name, [])]

    def status(self) -> dict[str, Any]:
        """What the agent in it says of itself."""
        return self._json("/agent")

    def record(self, case: str) -> dict[str, Any]:
        """The end record of the only request of this case."""
        assert self.listener is not None
        records = wait_for(lambda: self._records(case), 20, f"the record of {case}")
        assert len(records) == 1
        return records[0]

    def _records(self, case: str) -> list[dict[str, Any]]:
        assert self.listener is not None
        return [r for r in self.listener.records("request", phase="end") if ["x-case", case] in r["headers"]]

    def _json(self, path: str) -> Any:
        with urllib.request.urlopen(self.base + path, timeout=20) as answer:
            return json.load(answer)


@contextlib.contextmanager
def pair(server: Server, directory: Path) -> Iterator[tuple[Running, Running]]:
    """(bare, watched), both answering; skips where the interpreter is absent."""
    listener = Listener(str(directory), {"action": "allow", "findings": []})
    started: list[Running] = []
    try:
        for spy in (None, listener):
            started.append(Running(server, directory, spy))
        for one in started:
            one.wait()
        yield started[0], started[1]
    except AbsentError as error:
        pytest.skip(str(error))
    finally:
        for one in started:
            one.stop()
        listener.hang_up()
