"""The same conversations with a bare and with a watched server, held together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.e2e.harness import short_directory, wait_for
from tests.pyagent.support import Listener
from tests.transparent.servers import Seen, Server, pair
from tests.transparent.talk import body_size, status
from tests.transparent.wsgi_cases import Case


def compare(server: Server, known: list[Case]) -> None:
    """Play what this server can, twice, and hold the two together."""
    chosen = [case for case in known if not case.needs & server.lacks]
    with short_directory() as directory, listening(directory) as listener:
        with pair(server, directory) as both, ThreadPoolExecutor(2) as pool:
            there, here = pool.map(lambda running: running.play(chosen), both)
            assert [text for name in there for text in difference(name, there[name], here[name])] == []
            assert [text for case in chosen for text in untold(case, here[case.name][0], server, listener)] == []
            state = both[1].status()
        logs = [running.log.read_text() for running in both]
    assert (state["problems"], state["counters"].get("guard_errors", 0)) == ([], 0)
    assert state["connected"]
    assert logs[0].count("lifespan.shutdown") == logs[1].count("lifespan.shutdown")


@contextlib.contextmanager
def listening(directory: Path) -> Iterator[Listener]:
    """A peer on the agent socket that allows everything."""
    listener = Listener(str(directory), {"action": "allow", "findings": []})
    try:
        yield listener
    finally:
        listener.hang_up()


def difference(name: str, bare: Seen, watched: Seen) -> list[str]:
    """What differs, in few words."""
    pairs = zip(("client", "app"), bare, watched, strict=True)
    return [f"{name}, {who}: {str(a)[-600:]} != {str(b)[-600:]}" for who, a, b in pairs if a != b]


def untold(case: Case, heard: bytes, server: Server, listener: Listener) -> list[str]:
    """What the record does not say as it was."""
    if not case.told or not status(heard):
        return []
    record = recorded(case.name, listener)
    wanted, found = {"body": case.body}, {"body": record.get("body_size", 0) if case.body else 0}
    failed = "exception" in record
    if not failed or "late status" not in server.lacks:
        wanted["status"], found["status"] = status(heard), record["status"]
    if not failed and (not case.file or "response_body_size" in record):
        wanted["size"], found["size"] = body_size(heard), record.get("response_body_size", -1)
    return [f"{case.name}: wanted {wanted}, found {found}"] if found != wanted else []


def recorded(case: str, listener: Listener) -> dict[str, Any]:
    """The end record of the only request of this case."""

    def found() -> list[dict[str, Any]]:
        return [r for r in listener.records("request", phase="end") if ["x-case", case] in r["headers"]]

    records = wait_for(found, 20, f"the record of {case}")
    assert len(records) == 1
    return records[0]
