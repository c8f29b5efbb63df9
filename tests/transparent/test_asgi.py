"""ASGI under real servers: with and without the agent the client gets the same bytes, and the app sees the same."""

from __future__ import annotations

import pytest

from tests.transparent.asgi_cases import cases
from tests.transparent.compare import compare
from tests.transparent.servers import BLOCKS, GUNICORN, SITES, SMALL, Server

SITE = f"{SITES}asgi_site:application"
UVICORN = f"-m uvicorn --port {{port}} --log-level critical {SITE} --http"
HYPERCORN = f"-m hypercorn -b 127.0.0.1:{{port}} --log-level critical {SITE}"
SILENT = frozenset({"websocket"})
SERVERS = [
    Server("uvicorn h11", "asgi", "3.13", f"{UVICORN} h11"),
    Server("uvicorn httptools", "asgi-loops", "3.11", f"{UVICORN} httptools --loop uvloop", SILENT, BLOCKS),
    Server("uvicorn h11", "asgi-old", "3.7", f"{UVICORN} h11", SMALL),
    Server("hypercorn", "asgi", "3.11", HYPERCORN, SMALL | {"broken off"}),  # 400, or the app's answer: as it happens
    Server("daphne", "asgi-loops", "3.13", f"-m daphne -p {{port}} -v 0 {SITE}", SMALL | {"streams", "failures"}),
    Server(
        "gunicorn uvicorn", "django-5.2", "3.13", f"{GUNICORN} -k uvicorn.workers.UvicornWorker {SITE}", SMALL | SILENT
    ),
    Server("gunicorn asgi", "flask-3", "3.13", f"{GUNICORN} -k asgi {SITE}", SMALL),
]


@pytest.mark.parametrize("server", SERVERS, ids=map(str, SERVERS))
def test_nobody_can_tell(server: Server) -> None:
    """Every case gives the same bytes and the same journal; the record has the status and size that were sent."""
    compare(server, cases())
