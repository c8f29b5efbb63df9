"""The rows of the matrix: which site runs in which environment under which server."""

from __future__ import annotations

from dataclasses import dataclass

from tests.matrix.environments import declared
from tests.matrix.interpreters import SYSTEMS, VERSIONS

GUNICORN = "-m gunicorn.app.wsgiapp -b 127.0.0.1:{port} -w 2 --log-level warning"
UVICORN = "-m uvicorn --port {port} --log-level warning"
HYPERCORN = "-m hypercorn -b 127.0.0.1:{port} --log-level warning"
UWSGI = "uwsgi --http-socket 127.0.0.1:{port} --master --workers 2 --module"
SITES = "tests.matrix.sites."


@dataclass(frozen=True)
class Row:
    """One column of interpreters apart: `command` follows the interpreter's name; `packages` name the environment."""

    framework: str
    server: str
    packages: str
    version: str
    command: str

    @property
    def name(self) -> str:
        return f"{self.framework} / {self.server} / {self.version}"


def _rows(framework: str, server: str, packages: str, command: str, versions: tuple[str, ...] = ()) -> list[Row]:
    chosen = versions or tuple(declared()[packages]["pythons"])
    return [Row(framework, server, packages, version, command) for version in chosen]


def rows() -> list[Row]:
    """All of them, those of absent interpreters too."""
    found = _rows("WSGI", "wsgiref", "", f"-m {SITES}wsgi_site {{port}}", VERSIONS + SYSTEMS)
    for release in ("1.8", "1.11", "2.2", "3.2", "4.2", "5.2", "newest"):
        found += _rows(f"Django {release}", "gunicorn", f"django-{release}", f"{GUNICORN} {SITES}django_site")
    for release in ("0.10", "0.12", "1.1", "2.3", "3"):
        command = f"{GUNICORN} -k gthread --threads 4 {SITES}flask_site"
        found += _rows(f"Flask {release}", "gunicorn gthread", f"flask-{release}", command)
    for release in ("3.2", "4.2", "5.2", "newest"):
        versions = tuple(v for v in declared()[f"django-{release}"]["pythons"] if v != "3.6")
        command = f"{UVICORN} {SITES}django_site:application"
        found += _rows(f"Django {release} ASGI", "uvicorn", f"django-{release}", command, versions)
    for packages in ("asgi-old", "asgi"):
        found += _rows("Starlette", "uvicorn", packages, f"{UVICORN} {SITES}starlette_site:application")
        found += _rows("FastAPI", "hypercorn", packages, f"{HYPERCORN} {SITES}fastapi_site:application")
    return found + _servers()


def _servers() -> list[Row]:
    """Other servers, with one framework each."""
    flask, asgi = f"{SITES}flask_site", f"{SITES}starlette_site:application"
    gevent = f"{GUNICORN} -k gevent {flask}"
    found = _rows("Flask 3", "gunicorn gevent", "flask-3", gevent)
    found += _rows("Flask 1.1", "gunicorn gevent", "servers-old", gevent)
    found += _rows("Flask 3", "waitress", "flask-3", f"-m waitress --port {{port}} {flask}:app", ("3.9", "3.13"))
    found += _rows("Starlette", "uvicorn uvloop", "asgi-loops", f"{UVICORN} --loop uvloop --http httptools {asgi}")
    found += _rows("Starlette", "daphne", "asgi-loops", f"-m daphne -p {{port}} -v 0 {asgi}")
    found += _rows("Flask 3", "uWSGI", "uwsgi", f"{UWSGI} {flask}:app")
    return found
