"""The policy in force: what changes it, what outlives a restart, and what leaves it as it is."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from collector.policy.document import Entry, Policy, PolicyError, now, parse
from collector.policy.file import PolicyFile
from collector.policy.keeper import KEPT, Keeper

DOCUMENT = b'mode = "block"\n[[block]]\nsubject = "203.0.113.9"\n'


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path / "policy")


def listed(keeper: Keeper) -> list[str]:
    return [entry.subject for entry in keeper.policy.block]


def test_a_new_start(keeper: Keeper, tmp_path: Path) -> None:
    """A keeper that starts again has the last policy; who judges hears every new one, with a version of its own."""
    heard: list[Policy] = []
    keeper.on_change = heard.append
    keeper.apply(parse(DOCUMENT, "p.toml"), "test")
    keeper.add("block", "user:7", "fraud", None)
    assert [policy.version for policy in heard] == [1, 2]
    again = Keeper(tmp_path / "policy")
    assert again.policy == keeper.policy == heard[-1]
    assert listed(again) == ["203.0.113.9", "user:7"]


def test_what_commands_added_outlives_a_document(keeper: Keeper) -> None:
    """Another document takes the place of the one before, not of `block` and `pass`; what has expired goes."""
    keeper.apply(parse(DOCUMENT, "p.toml"), "test")
    keeper.add("block", "user:7", "", now() + timedelta(hours=1))
    keeper.add("block", "user:8", "", now() - timedelta(seconds=1))
    keeper.apply(Policy(block=(Entry("::1"),)), "test")
    assert listed(keeper) == ["::1", "user:7"]


def test_twice_and_away(keeper: Keeper) -> None:
    """Who is listed again has the new reason; who is taken off is on no list; who was on none is named."""
    keeper.add("block", "::1", "first", None)
    keeper.add("block", "::1", "second", None)
    keeper.add("allow", "::1", "", None)
    assert [entry.reason for entry in keeper.policy.block] == ["second"]
    keeper.remove("::1")
    assert (keeper.policy.block, keeper.policy.allow) == ((), ())
    with pytest.raises(PolicyError, match="'::1' is not listed"):
        keeper.remove("::1")


def test_rollback(keeper: Keeper) -> None:
    """An earlier version comes back as a new one; one that is not kept is refused with those that are."""
    keeper.apply(Policy(mode="block"), "test")
    keeper.apply(Policy(mode="monitor"), "test")
    assert (keeper.roll_back().mode, keeper.policy.version) == ("block", 3)
    assert keeper.roll_back(2).mode == "monitor"
    with pytest.raises(PolicyError, match="version 77 is not kept; kept are 3, 2, 1"):
        keeper.roll_back(77)


def test_history_is_bounded(keeper: Keeper) -> None:
    """The latest versions are kept."""
    for _ in range(KEPT + 5):
        keeper.apply(Policy(), "test")
    assert [past.version for past in keeper.history()] == list(range(KEPT + 5, 5, -1))


def test_a_torn_file(keeper: Keeper, tmp_path: Path) -> None:
    """A version that cannot be read is passed over for the one before it."""
    keeper.apply(Policy(mode="block"), "test")
    (tmp_path / "policy" / "2.json").write_text('{"mode": "mon')
    assert Keeper(tmp_path / "policy").policy.mode == "block"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_disk_that_takes_nothing(keeper: Keeper, tmp_path: Path) -> None:
    """The change is refused and nothing else changes."""
    (tmp_path / "policy").mkdir(mode=0o500)
    with pytest.raises(PolicyError):
        keeper.add("block", "::1", "", None)
    assert keeper.policy == Policy()


def test_a_file_that_is_followed(keeper: Keeper, tmp_path: Path) -> None:
    """Changes count; a half-written, an invalid, a missing file leave the last good policy, and say why, once each."""
    path = tmp_path / "p.toml"
    path.write_bytes(DOCUMENT)
    follower = PolicyFile(path, keeper, parse)
    follower.look()
    follower.look()
    assert (keeper.policy.version, listed(keeper), keeper.problem) == (1, ["203.0.113.9"], "")
    for data, words in ((DOCUMENT[:-4], "p.toml"), (b'mode = "no"', "mode"), (b" " * (7 << 20), "larger than")):
        path.write_bytes(data)
        follower.look()
        assert words in keeper.problem
    path.unlink()
    follower.look()
    assert "No such file" in keeper.problem
    assert (keeper.policy.version, listed(keeper)) == (1, ["203.0.113.9"])
    path.write_bytes(b'mode = "off"')
    follower.look()
    assert (keeper.policy.version, keeper.policy.mode, keeper.problem) == (2, "off", "")


def test_a_mounted_configuration(keeper: Keeper, tmp_path: Path) -> None:
    """A link to a folder that is exchanged for another is a change."""
    for name, mode in (("one", "block"), ("two", "monitor")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "p.toml").write_text(f'mode = "{mode}"')
    (tmp_path / "data").symlink_to("one")
    follower = PolicyFile(tmp_path / "data" / "p.toml", keeper, parse)
    follower.look()
    assert keeper.policy.mode == "block"
    (tmp_path / "next").symlink_to("two")
    os.replace(tmp_path / "next", tmp_path / "data")
    follower.look()
    assert keeper.policy.mode == "monitor"
