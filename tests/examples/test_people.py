"""Visitors and attacker against both shops, and against what is no shop."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.e2e.harness import ROOT, App, free_port, python


def run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        python("-m", f"examples.{script}", *words), cwd=ROOT, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def blank() -> Iterator[str]:
    """A server that answers 200 and an empty page to everything: no shop."""

    class Blank(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Blank)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_visitors_are_content(shop: App) -> None:
    """An ordinary crowd gets what it asked for in both shops: exit code 0, at least as many requests as asked."""
    done = run("visitors", shop.base, "--count", "520", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    asked, *_, well = [int(word) for word in done.stdout.split() if word.isdigit()]
    assert asked == well >= 520


def test_attacks_work(shop: App) -> None:
    """Every attack takes something away from both shops: exit code 0."""
    done = run("attacker", shop.base)
    assert done.returncode == 0, done.stdout + done.stderr
    for loot in ("CREATE TABLE books", "Linux version", "the vault is open", "uid="):
        assert loot in done.stdout


def test_visitors_notice_what_is_wrong(blank: str) -> None:
    """Pages that are not what they should be make the visitors fail, and are named."""
    done = run("visitors", blank, "--count", "20")
    assert done.returncode == 1
    assert "not well: search" in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_there() -> None:
    """Where nobody listens both scripts fail without a traceback."""
    base = f"http://127.0.0.1:{free_port()}"
    for done in (run("visitors", base, "--count", "6"), run("attacker", base)):
        assert done.returncode == 1
        assert "refused" in done.stderr
        assert "Traceback" not in done.stderr
