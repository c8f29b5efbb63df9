"""The shops, bare, over a real gunicorn."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import BIN, ROOT, App, free_port, running_app

SHOPS = {"flask": "examples.bookshop_flask:app", "django": "examples.bookshop_django.wsgi:application"}


@contextlib.contextmanager
def running_shop(kind: str, data: Path, workers: int = 1) -> Iterator[App]:
    """A shop of this kind with its data there, without any agent."""
    port = free_port()
    server = [str(BIN / "gunicorn"), "-w", str(workers), "-k", "gthread", "--threads", "4"]
    command = [*server, "--chdir", str(ROOT), "-b", f"127.0.0.1:{port}", SHOPS[kind]]
    with running_app(None, command, port, data, BOOKSHOP_DATA=str(data)) as app:
        yield app


@pytest.fixture(scope="session", params=SHOPS)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Each of the shops in turn."""
    with running_shop(request.param, tmp_path_factory.mktemp("shop")) as app:
        yield app
