"""The policies of a node: whose they are, what the probes are told, and the switch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.core.enforcement import Enforcement, read_switch
from collector.enforcement_settings import EnforcementSettings, PolicySettings
from probes import vocabulary
from tests.collector.core.test_probe_source import Test, World, run

__all__ = ["run"]
SHOP, REST = PolicySettings("shop", "shop", "enforce", execute="none"), PolicySettings("rest", "*")
SETTINGS = EnforcementSettings(policies=(REST, SHOP))
SERVICES = {7: "shop", 8: "blog"}


def enforcement(world: World, path: Path, ended: Callable[[], None] = lambda: None) -> Enforcement:
    return Enforcement(SETTINGS, world.source, lambda pid: SERVICES.get(pid, ""), path, ended)


def test_policies_go_before_processes(run: Callable[[Test], None], tmp_path: Path) -> None:
    """Probes that arrive are told the policies first, then the processes of each; one of no known service has the
    policy for all."""

    async def test(world: World) -> None:
        world.connected = [7, 8, 9]
        enforcement(world, tmp_path / "switch")
        probes = await world.probes()
        probes.hello()
        kind, _, body = await probes.read()
        assert (kind, body["mode"]) == (vocabulary.ENFORCE, "enforce")
        assert [(one["name"], one["mode"], one["execute"]) for one in body["policies"]] == [
            ("rest", "observe", "any"), ("shop", "enforce", "none"),
        ]  # fmt: skip
        registered = [(await probes.read())[2] for _ in range(2)]
        assert registered == [{"pids": [7], "policy": "shop"}, {"pids": [8, 9], "policy": "rest"}]

    run(test)


def test_what_cannot_be_enforced(run: Callable[[Test], None], tmp_path: Path) -> None:
    """The probes' reason is the node's."""

    async def test(world: World) -> None:
        one = enforcement(world, tmp_path / "switch")
        probes = await world.probes()
        probes.hello()
        _, sequence, _ = await probes.read()
        probes.send(vocabulary.DONE, vocabulary.Done([], "no cgroups"), sequence)
        await world.until(lambda: one.reason == "no cgroups")

    run(test)


def test_the_switch(run: Callable[[Test], None], tmp_path: Path) -> None:
    """It returns when the probes have answered; it is kept, and `enforce` takes it back."""

    async def test(world: World) -> None:
        one = enforcement(world, tmp_path / "switch")
        probes = await world.probes()
        probes.hello()
        for _ in range(2):
            await probes.read()
        for mode in ("off", "observe", "enforce"):
            turning = asyncio.create_task(one.switch(mode))
            _, sequence, body = await probes.read()
            assert (body["mode"], turning.done(), read_switch(tmp_path / "switch")) == (mode, False, mode)
            probes.send(vocabulary.DONE, vocabulary.Done(), sequence)
            await asyncio.wait_for(turning, 10)
            assert one.mode == mode

    run(test)


def test_probes_that_do_not_answer(
    run: Callable[[Test], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are ended; without any probes nothing has to be."""
    monkeypatch.setattr("collector.core.enforcement.PATIENCE", 0.05)

    async def test(world: World) -> None:
        ended: list[int] = []
        one = enforcement(world, tmp_path / "switch", lambda: ended.append(1))
        await one.switch("off")
        assert ended == []
        probes = await world.probes()
        probes.hello()
        await world.until(lambda: world.source.connected)
        await one.switch("off")
        assert ended == [1]

    run(test)


@pytest.mark.parametrize(("content", "mode"), [("off\n", "off"), ("observe", "observe"), ("", "off"), ("\xff", "off")])
def test_what_was_kept(tmp_path: Path, content: str, mode: str) -> None:
    """A file that cannot be understood counts as off, a missing one as no cap."""
    path = tmp_path / "switch"
    assert read_switch(path) == "enforce"
    path.write_text(content, encoding="latin-1")
    assert read_switch(path) == mode


def test_the_lower_mode_counts(tmp_path: Path) -> None:
    """The switch does not raise what the configuration caps."""
    world = World("")
    settings = EnforcementSettings("observe", (SHOP,))
    assert Enforcement(settings, world.source, lambda pid: "", tmp_path / "none").mode == "observe"
