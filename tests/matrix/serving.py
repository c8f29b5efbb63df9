"""A site of the matrix under its server, with the agent in it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.harness import ROOT, App, Node, free_port
from tests.matrix.environments import AbsentError, Environment, environment
from tests.matrix.interpreters import SYSTEMS, interpreter, missing
from tests.matrix.rows import Row


class Site(App):
    """A started site. Raises AbsentError where the machine has no such interpreter."""

    def __init__(self, row: Row, node: Node, directory: Path, **variables: str) -> None:
        found = row_environment(row)
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.service = f"{row.name} {uuid.uuid4().hex[:6]}"
        self.log = directory / f"app-{port}.log"
        env = {
            **found.variables(ROOT), "COWITNESS_RUN_DIR": str(node.run_dir), "COWITNESS_SERVICE": self.service,
            **variables,
        }  # fmt: skip
        command = [found.python, "-m", "pyagent.run", *words(row, found, port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=directory, env=env, stdout=log, stderr=log, start_new_session=True
            )

    def post(self, path: str, data: bytes, kind: str = "application/x-www-form-urlencoded") -> tuple[int, bytes]:
        """Status and body."""
        request = urllib.request.Request(self.base + path, data=data, headers={"Content-Type": kind})
        return self.answer(request)

    def form(self, path: str, **fields: str) -> tuple[int, bytes]:
        return self.post(path, urllib.parse.urlencode(fields).encode())

    def json(self, path: str, **fields: str) -> tuple[int, bytes]:
        return self.post(path, json.dumps(fields).encode(), "application/json")

    def upload(self, path: str, file_name: str, **fields: str) -> tuple[int, bytes]:
        """A multipart form with one file."""
        lines = [f'--b0\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}' for n, v in fields.items()]
        lines.append(f'--b0\r\nContent-Disposition: form-data; name="f"; filename="{file_name}"\r\n\r\ncontent')
        body = "\r\n".join([*lines, "--b0--", ""]).encode()
        return self.post(path, body, "multipart/form-data; boundary=b0")


def row_environment(row: Row) -> Environment:
    """The environment of a row; without packages the bare interpreter."""
    if row.packages:
        return environment(row.packages, row.version)
    if not (python := interpreter(row.version)):
        raise AbsentError(missing(row.version))
    return Environment(row.version, "", python, Path("/nonexistent"))


def words(row: Row, found: Environment, port: int) -> list[str]:
    """The server's command line."""
    parts = row.command.format(port=port).split()
    if parts[0] == "uwsgi":
        return [str(found.directory / "bin" / "uwsgi"), *parts[1:]]
    if parts[0].startswith("bin/"):  # a script of one of the packages
        return [found.python, str(found.directory / parts[0]), *parts[1:]]
    return [found.python, *parts]


@contextlib.contextmanager
def served(row: Row, node: Node, directory: Path, **variables: str) -> Iterator[Site]:
    """The site, answering, until the end of the block."""
    site = Site(row, node, directory, **variables)
    try:
        site.wait(seconds=120 if row.version in SYSTEMS else 30)  # an emulated one starts slowly
        yield site
    finally:
        site.stop()
