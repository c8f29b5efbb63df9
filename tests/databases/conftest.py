"""One server of each kind for all tests, started when first asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.databases.servers import MissingError, Server, mariadb, postgresql


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Server]]:
    """`servers("postgresql")`: that server; raises MissingError."""
    with contextlib.ExitStack() as stack:
        started: dict[str, Server | str] = {}

        def get(kind: str) -> Server:
            if kind not in started:
                try:
                    started[kind] = stack.enter_context({"postgresql": postgresql, "mariadb": mariadb}[kind]())
                except MissingError as error:
                    started[kind] = str(error)
            found = started[kind]
            if isinstance(found, str):
                raise MissingError(found)
            return found

        yield get
