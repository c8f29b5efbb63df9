"""One probe process for the tests that only watch; a machine without BPF skips them, and says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.probes.support import Core, is_ours, probes


def refusal(core: Core) -> str:
    """Why this machine loads no programs; empty where it does."""
    assert core.hello is not None
    return next(one.reason for one in core.hello.capabilities if one.name == "tracepoints")


@pytest.fixture(scope="session")
def watching() -> Iterator[Core]:
    with probes() as (core, _):
        if reason := refusal(core):
            assert not is_ours(reason), reason
            pytest.skip(f"no BPF here: {reason}")
        yield core


@pytest.fixture
def core(watching: Core) -> Core:
    """The shared core with what it heard so far forgotten."""
    watching.events.clear()
    return watching
