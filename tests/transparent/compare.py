"""The same conversations with a bare and with a watched server, held together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.e2e.harness import short_directory
from tests.transparent.servers import Running, Server, pair
from tests.transparent.talk import body_size, status
from tests.transparent.wsgi_cases import Case


def compare(server: Server, known: list[Case]) -> None:
    """Play what this server can, twice, and hold the two together."""
    chosen = [case for case in known if not case.needs & server.lacks]
    with short_directory() as directory:
        with pair(server, directory) as both, ThreadPoolExecutor(2) as pool:
            there, here = pool.map(lambda running: running.play(chosen), both)
            assert [text for name in there for text in difference(name, there[name], here[name])] == []
            watched = both[1]
            assert [text for case in chosen for text in untold(case, here[case.name][0], watched)] == []
            state = watched.status()
        logs = [running.log.read_text() for running in both]
    assert (state["problems"], state["counters"].get("guard_errors", 0)) == ([], 0)
    assert state["connected"]
    assert logs[0].count("lifespan.shutdown") == logs[1].count("lifespan.shutdown")
    assert "pyagent" not in logs[0]


def difference(name: str, bare: tuple[bytes, list[Any]], watched: tuple[bytes, list[Any]]) -> list[str]:
    """What differs, in few words."""
    pairs = zip(("client", "app"), bare, watched, strict=True)
    return [f"{name}, {who}: {str(a)[-600:]} != {str(b)[-600:]}" for who, a, b in pairs if a != b]


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
