"""Many requests that take turns on one thread: every command is its own request's."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.harness import Node, wait_for
from tests.e2e.test_attribution import Outcome, missing, tokens_of
from tests.matrix.environments import AbsentError
from tests.matrix.rows import GUNICORN, SITES, UVICORN, Row
from tests.matrix.serving import served

COUNT = 200
ONE_GEVENT = GUNICORN.replace("-w 2", "-w 1") + f" -k gevent {SITES}flask_site"
ROWS = [
    Row("Starlette", "asyncio", "asgi", "3.8", f"{UVICORN} {SITES}starlette_site:application"),
    Row("Starlette", "asyncio", "asgi", "3.13", f"{UVICORN} {SITES}starlette_site:application"),
    Row("Starlette", "uvloop", "asgi-loops", "3.11", f"{UVICORN} --loop uvloop {SITES}starlette_site:application"),
    Row("FastAPI", "asyncio and threads", "asgi", "3.11", f"{UVICORN} {SITES}fastapi_site:application"),
    Row("Flask", "gevent", "servers-old", "2.7", ONE_GEVENT),
    Row("Flask", "gevent", "flask-3", "3.11", ONE_GEVENT),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_every_exec_is_its_own_requests(row: Row, matrix_node: Node, tmp_path: Path) -> None:
    """200 requests at once on one thread, each with a command of its own after others had their turn."""
    try:
        with served(row, matrix_node, tmp_path) as site:
            paths = [f"/run/word?arg=x%3B/bin/echo+token-{n}-end" for n in range(COUNT)]
            with ThreadPoolExecutor(COUNT) as pool:
                statuses = Counter(status for status, _ in pool.map(site.get, paths))
            assert statuses == {200: COUNT}
            wait_for(lambda: Outcome(missing(matrix_node, site.service, COUNT)), 60, "complete traces")
    except AbsentError as error:
        pytest.skip(str(error))
    asked = [tokens_of(trace) for trace in matrix_node.traces("--service", site.service)]
    assert Counter(token for token, _ in asked) == {f"token-{n}-end": 1 for n in range(COUNT)}
    assert [pair for pair in asked if pair[1] != [pair[0]]] == []
