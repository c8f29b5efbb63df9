"""One probe process for the tests that only watch; a machine without BPF skips them, and says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.probes.support import Core, probes


def refusal(core: Core) -> str:
    """Why this machine loads no programs; empty where it does. A program that the verifier refuses is no excuse."""
    assert core.hello is not None
    return next(one.reason for one in core.hello.capabilities if one.name == "tracepoints")


@pytest.fixture(scope="session")
def watching() -> Iterator[Core]:
    with probes() as (core, _):
        if reason := refusal(core):
            assert "Failed to load BPF program" not in reason, reason
            pytest.skip(f"no BPF here: {reason}")
        yield core


@pytest.fixture
def core(watching: Core) -> Core:
    """The shared core with what it heard so far forgotten."""
    watching.events.clear()
    return watching
