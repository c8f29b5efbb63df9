"""WSGI under real servers: with and without the agent the client gets the same bytes, and the app sees the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import short_directory
from tests.transparent.servers import GUNICORN, SITES, Running, Server, pair
from tests.transparent.talk import body_size, status
from tests.transparent.wsgi_cases import Case, cases

SITE = f"{SITES}wsgi_site"
ONE_SHOT = frozenset({"keep-alive", "pipelines"})
HTTP_1_0 = ONE_SHOT | {"chunks", "continue"}
SMALL = frozenset({"large"})
BUFFERS = frozenset({"streams"})
SERVERS = [
    Server("wsgiref", "", "2.7", f"-m {SITE} wsgiref {{port}}", HTTP_1_0, half_close=True),
    Server("wsgiref", "", "3.13", f"-m {SITE} wsgiref {{port}}", HTTP_1_0, half_close=True),
    Server("gunicorn", "servers-old", "2.7", f"{GUNICORN} {SITE}", ONE_SHOT | SMALL),
    Server("gunicorn", "servers-old", "3.6", f"{GUNICORN} -k gthread {SITE}", SMALL | {"pipelines"}),
    Server("gunicorn gthread", "flask-3", "3.13", f"{GUNICORN} -k gthread {SITE}"),
    Server("gunicorn gevent", "flask-3", "3.11", f"{GUNICORN} -k gevent {SITE}", SMALL),
    Server("pywsgi", "servers-old", "2.7", f"-m {SITE} pywsgi {{port}}", SMALL),
    Server("pywsgi", "flask-3", "3.13", f"-m {SITE} pywsgi {{port}}"),
    Server("waitress", "servers-old", "2.7", f"-m waitress --port {{port}} {SITE}:application", BUFFERS | SMALL),
    Server("waitress", "flask-3", "3.13", f"-m waitress --port {{port}} {SITE}:application", BUFFERS),
    Server("werkzeug", "flask-3", "3.13", f"-m {SITE} werkzeug {{port}}", frozenset({"keep-alive"}), half_close=True),
    Server(
        "uWSGI", "uwsgi", "3.11", f"uwsgi --http-socket 127.0.0.1:{{port}} --master --workers 1 --die-on-term --module {SITE}",
        frozenset({"continue", "chunks", "seek", "late status"}), variables=(("SITE_WRAPPED", "1"),),
    ),
]  # fmt: skip


@pytest.mark.parametrize("server", SERVERS, ids=map(str, SERVERS))
def test_nobody_can_tell(server: Server, tmp_path: Path) -> None:
    """Every case gives the same bytes and the same journal; the record has the status and size that were sent."""
    chosen = [case for case in cases() if not case.needs & server.lacks]
    with short_directory() as directory, pair(server, directory) as (bare, watched), ThreadPoolExecutor(2) as pool:
        there, here = pool.map(lambda running: running.play(chosen), (bare, watched))
        assert [text for case in chosen for text in difference(case, there[case.name], here[case.name])] == []
        assert [text for case in chosen for text in untold(case, here[case.name][0], watched)] == []
        state = watched.status()
    assert (state["problems"], state["counters"].get("guard_errors", 0)) == ([], 0)
    assert state["connected"]


def difference(case: Case, bare: tuple[bytes, list[Any]], watched: tuple[bytes, list[Any]]) -> list[str]:
    """What differs, in few words."""
    pairs = zip(("client", "app"), bare, watched, strict=True)
    return [f"{case.name}, {who}: {str(a)[-600:]} != {str(b)[-600:]}" for who, a, b in pairs if a != b]


def untold(case: Case, heard: bytes, running: Running) -> list[str]:
    """What the record does not say as it was."""
    if not case.told or not status(heard):
        return []
    record = running.record(case.name)
    wanted, found = {"body": case.body}, {"body": record.get("body_size", 0) if case.body else 0}
    failed = "exception" in record
    if not failed or "late status" not in running.server.lacks:
        wanted["status"], found["status"] = status(heard), record["status"]
    if not failed and (not case.file or "response_body_size" in record):
        wanted["size"], found["size"] = body_size(heard), record.get("response_body_size", -1)
    return [f"{case.name}: wanted {wanted}, found {found}"] if found != wanted else []
