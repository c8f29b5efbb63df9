"""A worker of a queue, and the site that gives it work, both with the agent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import ROOT, Node, wait_for
from tests.matrix.environments import AbsentError, environment
from tests.matrix.rows import Row
from tests.matrix.serving import Site, served
from tests.tracing.asking import traces

SITE = "-m tests.tasks.programs.queue_site {port} "


@dataclass(frozen=True)
class Queue:
    """A library in an environment, and how its worker is started; `ready` is what the worker logs then."""

    packages: str
    version: str
    shop: str
    worker: tuple[str, ...]
    ready: str


def celery(packages: str, version: str, *pool: str) -> Queue:
    words = ("-m", "celery", "-A", "tests.tasks.programs.celery_shop", "worker", "--loglevel=INFO", *pool)
    return Queue(packages, version, "celery_shop", words, " ready.")


RQ = Queue("tasks", "3.13", "rq_shop", ("-m", "rq.cli", "worker", "mail"), "istening on mail")


@dataclass
class Shop:
    """A running site and its worker."""

    node: Node
    site: Site
    service: str
    log: Path

    def ask(self, kind: str, argument: str) -> tuple[int, str]:
        """Have the worker do something; what it made of it."""
        status, body = self.site.get(f"/{kind}?hex={argument.encode().hex()}")
        return status, body.decode()

    def trace(self, route: str, complete: Any = lambda trace: True) -> dict[str, Any]:
        """The worker's attack trace of this task, ended, linked and with all that is awaited."""

        def found() -> dict[str, Any] | None:
            known = traces(self.node, service_name=self.service)
            ended = [one for one in known if one["request"]["route"].endswith(route) and "duration" in one["request"]]
            wanted = [one for one in ended if one["linked"]]
            return next((one for one in wanted if complete(one)), None)

        return wait_for(found, 60, f"a trace of {route}; worker: {self.log.read_text()[-3000:]}")


@contextlib.contextmanager
def working(queue: Queue, node: Node, redis_port: int, directory: Path, **variables: str) -> Iterator[Shop]:
    """The worker and the site, until the end of the block; skips where the interpreter is absent."""
    database = uuid.uuid4().int % 16
    variables = {"REDIS": f"redis://127.0.0.1:{redis_port}/{database}", "PYTHONUNBUFFERED": "1", **variables}
    row = Row(f"site of {queue.shop}", "wsgiref", queue.packages, queue.version, SITE + queue.shop)
    try:
        with _worker(queue, node, directory, variables) as (service, log), \
                served(row, node, directory, **variables) as site:  # fmt: skip
            yield Shop(node, site, service, log)
    except AbsentError as error:
        pytest.skip(str(error))


@contextlib.contextmanager
def _worker(queue: Queue, node: Node, directory: Path, variables: dict[str, str]) -> Iterator[tuple[str, Path]]:
    found = environment(queue.packages, queue.version)
    service, log = f"worker {uuid.uuid4().hex[:6]}", directory / "worker.log"
    env = {
        **found.variables(ROOT), **variables, "COWITNESS_RUN_DIR": str(node.run_dir), "COWITNESS_SERVICE": service,
        "C_FORCE_ROOT": "1", "HOME": str(directory), "RQ_REDIS_URL": variables["REDIS"],
    }  # fmt: skip
    with log.open("wb") as output:
        command = [found.python, "-m", "pyagent.run", found.python, *queue.worker]
        where = {"env": env, "cwd": directory, "start_new_session": True}
        process = subprocess.Popen(command, stdout=output, stderr=output, **where)
    try:
        wait_for(lambda: queue.ready in log.read_text() or process.poll() is not None, 40, "the worker")
        assert process.poll() is None, log.read_text()[-3000:]
        yield service, log
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
