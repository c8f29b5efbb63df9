"""Development servers start their child anew when a file changes: the next child is an agent as the one before was."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

from tests.e2e.harness import Node, short_directory, wait_for
from tests.transparent.replaced import SECONDS, agents, named, stopped, traced
from tests.transparent.servers import Running, Server, running

SITES = Path(__file__).resolve().parent / "sites"
RUNSERVER = "bin/django-admin runserver --pythonpath=. --settings=app 127.0.0.1:{port}"
SERVERS = [
    (Server("flask run", "flask-1.1", "2.7", "bin/flask run --reload --debugger --port {port}"), "flask"),
    (Server("flask run", "flask-3", "3.13", "bin/flask run --debug --port {port}"), "flask"),
    (Server("runserver", "django-1.8", "2.7", RUNSERVER), "django"),
    (Server("runserver", "django-newest", "3.13", RUNSERVER), "django"),
    (Server("uvicorn", "asgi", "3.13", "-m uvicorn --reload --port {port} --log-level warning app:app"), "starlette"),
]
TIMES = 2
ATTACK = "/?q=x%27+union+select+%27a"


@pytest.mark.parametrize(("server", "site"), SERVERS, ids=[str(server) for server, _ in SERVERS])
def test_the_child_is_started_anew(server: Server, site: str, node: Node) -> None:
    """Each new child is the node's only agent and detects; the log says what it says without the agent."""
    with short_directory() as directory:
        file = Path(shutil.copy(SITES / f"reloaded_{site}.py", directory / "app.py"))
        bare, watched = (reloaded(named(server), file, node, on) for on in (False, True))
    if server.version == "2.7":  # by itself it prints what its daemon threads meet at its end, now and then
        assert [line for line in watched if "pyagent" in line] == []
    else:
        assert watched == bare


def reloaded(server: Server, file: Path, node: Node, watched: bool) -> set[str]:
    """Touch the site's file and attack, several times; what the log said."""
    with running(server, file.parent, node.run_dir, watched) as one:
        for _ in range(TIMES):
            pid = restarted(one, file)
            status, body = one.get(ATTACK)
            assert (status, int(body)) == (200, pid)
            if watched:
                wait_for(lambda pid=pid: agents(one, node) == {pid}, SECONDS, f"the agent {pid}")
                wait_for(lambda pid=pid: pid in traced(one, node), SECONDS, f"a trace of {pid}")
        return stopped(one)


def restarted(one: Running, file: Path) -> int:
    """The pid of the next child. A server that has not looked at its files yet may miss a change: it is made again.
    Nobody asks while the old one ends: it would drop the answer, and say so."""
    old = Path("/proc", str(pid_of(one)))
    for _ in range(10):
        file.touch()
        with contextlib.suppress(AssertionError):
            wait_for(lambda: not old.exists(), 10)
            break
    assert not old.exists(), f"nobody has started anew: {one.log.read_text()[-2000:]}"
    return wait_for(lambda: pid_of(one), SECONDS, "the next child")


def pid_of(one: Running) -> int:
    """Who answers; 0 while nobody does."""
    with contextlib.suppress(OSError):
        return int(one.get("/")[1])
    return 0
