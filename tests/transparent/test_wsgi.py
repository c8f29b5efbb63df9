"""WSGI under real servers: with and without the agent the client gets the same bytes, and the app sees the same."""

from __future__ import annotations

import pytest

from tests.transparent.compare import compare
from tests.transparent.servers import BLOCKS, GUNICORN, SITES, SMALL, Server
from tests.transparent.wsgi_cases import cases

SITE = f"{SITES}wsgi_site"
ONE_SHOT = frozenset({"keep-alive", "pipelines"})
HTTP_1_0 = ONE_SHOT | {"chunks", "continue"}
BUFFERS = frozenset({"streams"})
SERVERS = [
    Server("wsgiref", "", "2.7", f"-m {SITE} wsgiref {{port}}", HTTP_1_0, half_close=True),
    Server("wsgiref", "", "3.13", f"-m {SITE} wsgiref {{port}}", HTTP_1_0, half_close=True),
    Server("gunicorn", "servers-old", "2.7", f"{GUNICORN} {SITE}", ONE_SHOT | SMALL),
    Server("gunicorn", "servers-old", "3.6", f"{GUNICORN} -k gthread {SITE}", SMALL | {"pipelines"}),
    Server("gunicorn gthread", "flask-3", "3.13", f"{GUNICORN} -k gthread {SITE}"),
    Server("gunicorn gevent", "flask-3", "3.11", f"{GUNICORN} -k gevent {SITE}", SMALL),
    Server("pywsgi", "servers-old", "2.7", f"-m {SITE} pywsgi {{port}}", SMALL),
    Server("pywsgi", "flask-3", "3.13", f"-m {SITE} pywsgi {{port}}", variables=BLOCKS),
    Server("waitress", "servers-old", "2.7", f"-m waitress --port {{port}} {SITE}:application", BUFFERS | SMALL),
    Server("waitress", "flask-3", "3.13", f"-m waitress --port {{port}} {SITE}:application", BUFFERS),
    Server("werkzeug", "flask-3", "3.13", f"-m {SITE} werkzeug {{port}}", frozenset({"keep-alive"}), half_close=True),
    Server(
        "uWSGI", "uwsgi", "3.11", f"uwsgi --http-socket 127.0.0.1:{{port}} --master --die-on-term --module {SITE}",
        frozenset({"continue", "chunks", "seek", "late status"}), (("SITE_WRAPPED", "1"),),
    ),
]  # fmt: skip


@pytest.mark.parametrize("server", SERVERS, ids=map(str, SERVERS))
def test_nobody_can_tell(server: Server) -> None:
    """Every case gives the same bytes and the same journal; the record has the status and size that were sent."""
    compare(server, cases())
