"""What the agent adds to a request: CPU and wall time, Flask and Django, in one run against the same app without it.

    .venv/bin/python bench/request_cost.py [--rounds 7] [--requests 2000]

Each app is called in process through WSGI with 11 ordinary headers (no server, no network), in child processes that
take turns: bare, agent, bare, agent, ... A node with probes (where they can run) is up, so that marks are traced and
records are really sent; CPU is the whole app process's, the agent's sending thread included. Figures are medians over
rounds of microseconds per request.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HEADERS = {
    "HTTP_HOST": "shop.example", "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101",
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "HTTP_ACCEPT_LANGUAGE": "en-GB,en;q=0.5", "HTTP_ACCEPT_ENCODING": "gzip, deflate, br", "HTTP_DNT": "1",
    "HTTP_CONNECTION": "keep-alive", "HTTP_COOKIE": "theme=dark; lang=en", "HTTP_REFERER": "http://shop.example/",
    "HTTP_UPGRADE_INSECURE_REQUESTS": "1", "HTTP_CACHE_CONTROL": "max-age=0",
}  # fmt: skip
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def flask_app() -> Application:
    """A page, and a page with one SQLite query."""
    import sqlite3

    from flask import Flask, request

    app = Flask("bench")
    db = sqlite3.connect(":memory:", check_same_thread=False)
    db.execute("create table books (title text)")

    @app.get("/plain")
    def plain() -> str:
        return "hello"

    @app.get("/search")
    def search() -> str:
        return str(db.execute("select title from books where title = ?", (request.args["q"],)).fetchall())

    return app  # type: ignore[return-value]


def django_app() -> Application:
    """The same two pages."""
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], DATABASES=databases, SECRET_KEY="bench")
    django.setup()

    def plain(_: HttpRequest) -> HttpResponse:
        return HttpResponse("hello")

    def search(request: HttpRequest) -> HttpResponse:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("select %s", [request.GET["q"]])
            return HttpResponse(str(cursor.fetchall()))

    global urlpatterns
    urlpatterns = [path("plain", plain), path("search", search)]
    return get_wsgi_application()


APPS = {"flask": flask_app, "django": django_app}


def environ(path: str) -> dict[str, Any]:
    import io

    path, _, query = path.partition("?")
    return {
        **HEADERS, "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
        "SERVER_NAME": "shop.example", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "50000", "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr, "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip


def serve(app: Application, path: str, count: int) -> None:
    for _ in range(count):
        answer = app(environ(path), lambda status, headers, exc_info=None: None)
        b"".join(answer)
        close = getattr(answer, "close", None)
        if close:
            close()


def child(name: str, path: str, count: int) -> None:
    """Measure one app in this process; prints CPU and wall microseconds per request as JSON."""
    app = APPS[name]()
    serve(app, path, 300)
    wall, cpu = time.perf_counter(), time.process_time()
    serve(app, path, count)
    wall = time.perf_counter() - wall
    time.sleep(0.1)  # the agent's thread sends what is left: it belongs to the bill
    cpu = time.process_time() - cpu
    print(json.dumps({"cpu": cpu / count * 1e6, "wall": wall / count * 1e6}))


def measure(name: str, path: str, count: int, node_env: dict[str, str] | None) -> dict[str, float]:
    words = [sys.executable, __file__, "--child", name, path, str(count)]
    if node_env:
        words.insert(0, str(ROOT / ".venv/bin/cowitness-run"))
    done = subprocess.run(words, env=node_env, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def compare(name: str, path: str, rounds: int, count: int, node_env: dict[str, str]) -> dict[str, float]:
    """Medians over rounds: bare and added, CPU and wall."""
    pairs = [(measure(name, path, count, None), measure(name, path, count, node_env)) for _ in range(rounds)]
    row = {}
    for kind in ("cpu", "wall"):
        row["bare_" + kind] = statistics.median(bare[kind] for bare, _ in pairs)
        row["added_" + kind] = statistics.median(agent[kind] - bare[kind] for bare, agent in pairs)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        name, path, count = arguments.child
        return child(name, path, int(count))
    sys.path.insert(0, str(ROOT))
    from tests.e2e.harness import running_node

    with running_node() as node:
        print(f"probes: {'on' if node.witnesses() else 'off'}; medians of {arguments.rounds} rounds, us per request")
        print(f"{'app':<10}{'page':<18}{'bare cpu':>10}{'added cpu':>11}{'bare wall':>11}{'added wall':>12}")
        for name in APPS:
            for path in ("/plain", "/search?q=dune"):
                row = compare(
                    name, path, arguments.rounds, arguments.requests, {**node.environment(), "PATH": os.environ["PATH"]}
                )
                cells = "".join(
                    f"{row[key]:>{width}.0f}"
                    for key, width in (("bare_cpu", 10), ("added_cpu", 11), ("bare_wall", 11), ("added_wall", 12))
                )
                print(f"{name:<10}{path:<18}{cells}", flush=True)
    return None


if __name__ == "__main__":
    main()
