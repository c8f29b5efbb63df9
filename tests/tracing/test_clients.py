"""What each HTTP client sends with the agent in it, at a real server: in every situation exactly what it should."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tracing.programs.clients import OWN, STATE, TRACE
from tests.tracing.running import said

NEW = {"http.client", "urllib", "urllib3", "requests", "httpx", "httpx async", "aiohttp"}
OLD = {"http.client", "urllib", "urllib3", "requests"}
CASES = [("clients-old", "2.7", OLD), ("clients-old", "3.6", OLD), ("clients", "3.9", NEW), ("clients", "3.13", NEW)]


@pytest.mark.parametrize(("packages", "version", "clients"), CASES, ids=[version for _, version, _ in CASES])
def test_clients(packages: str, version: str, clients: set[str]) -> None:
    """traceparent once (on redirects and retries too), tracestate as it came, the app's own left alone, nothing outside
    of a request, with propagation off or after disable(); the app's objects never show it."""
    found = said(packages, version, "tests.tracing.programs.clients")
    assert found["problems"] == []
    assert set(found["clients"]) == clients
    for name, situations in found["clients"].items():
        for situation, told in situations.items():
            assert told["untouched"], (name, situation)
            check(f"{name}, {situation}", situation, told)


def check(where: str, situation: str, told: dict[str, Any]) -> None:
    """The trace headers of every request of one situation."""
    assert [path for path, _ in told["seen"]] == paths(where.split(", ")[0], situation), where
    ours = [["traceparent", f"00-{TRACE}-{told['id']}-01"]]
    want: dict[str, list[list[str]]] = {
        "own header": [["traceparent", OWN]], "hostile state": ours, "outside": [], "off": [], "disabled": [],
    }  # fmt: skip
    for path, headers in told["seen"]:
        sent = [pair for pair in headers if pair[0] in ("traceparent", "tracestate", "x-evil")]
        if situation in ("no trace arrived", "hostile parent"):
            assert [name for name, _ in sent] == ["traceparent"], (where, path, sent)
            assert told["id"] in sent[0][1], (where, path)
            assert TRACE not in sent[0][1], (where, path)
        else:
            assert sent == want.get(situation, [*ours, ["tracestate", STATE]]), (where, path, sent)


def paths(client: str, situation: str) -> list[str]:
    """What a client asks for: urllib opens its Request twice, http.client follows nothing."""
    asked = {"moved": ["/moved", "/"], "busy": ["/busy", "/busy"]}.get(situation, ["/"])
    return {"urllib": asked * 2, "http.client": asked[:1]}.get(client, asked)


def test_opentelemetry_reads_the_same() -> None:
    """Their propagator and ours agree on every header, and on what we send after it."""
    found = said("clients", "3.13", "tests.tracing.programs.oracle")
    assert found["differences"] == []
    assert found["compared"] == 84
