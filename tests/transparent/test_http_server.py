"""Apps on http.server itself: with and without the agent the client gets the same bytes, and the app sees the same."""

from __future__ import annotations

import pytest

from tests.transparent.compare import compare
from tests.transparent.servers import BLOCKS, SITES, Server
from tests.transparent.wsgi_cases import Case, cases, head

COMMAND = f"-m {SITES}handler_site {{port}}"
SERVERS = [
    Server("http.server", "", "2.7", COMMAND, half_close=True),
    Server("http.server", "", "3.6", COMMAND, half_close=True),
    Server("http.server", "", "3.13", COMMAND, half_close=True),
    Server("http.server blocking", "", "3.11", COMMAND, variables=BLOCKS, half_close=True),
]


def answers() -> list[Case]:
    """Every way to read a body, and to answer; the status of what is written by hand, and the size of what broke off
    or is walked through once, are not told."""
    found = [case for case in cases() if case.name.startswith("read-")]
    for how in ("plain", "copied", "wrapped", "error", "lines", "raw", "fails"):
        name = f"answer-{how}"
        found.append(Case(name, (head(name, f"/answer/{how}"),), told=how not in ("lines", "raw", "fails")))
    found.append(Case("old", (head("old", "/answer/plain", version="1.0"),)))
    found.append(Case("brief", (b"GET /answer/plain\r\n",), told=False))
    kept = head("kept", "/answer/plain", close=False) + head("kept-2", "/answer/plain", close=False)
    found.append(Case("kept", (kept, head("kept-3", "/answer/plain")), told=False))
    found.append(Case("unknown", (head("unknown", "/", method="BREW"),)))
    found.append(Case("continue", (head("continue", "/read/exact", "Content-Length: 2", "Expect: 100-continue",
                                        method="POST") + b"ab",), told=False))  # fmt: skip
    return found


@pytest.mark.parametrize("server", SERVERS, ids=map(str, SERVERS))
def test_nobody_can_tell(server: Server) -> None:
    """Every case gives the same bytes and the same journal; the record has the status and size that were sent."""
    compare(server, answers())
