"""Bad input gets a clear error, and never a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.harness import BIN, Node, running_node, short_directory, wait_for


def up(*words: str | Path, user: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run `cowitness up WORDS`, which is expected to fail at once."""
    return subprocess.run(
        [str(BIN / "cowitness"), "up", *map(str, words)], capture_output=True, text=True, timeout=30, cwd="/", user=user
    )


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It failed, said these words, and did not show its insides."""
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode not in (0, -9), said
    assert "Traceback" not in said
    for word in words:
        assert word in said, said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[store]\nretention_dayz = 3\n", ("retention_dayz", "retention_days")),
        ("[stroe]\n", ("stroe", "store")),
        ("[store\n", ("line 1",)),
        ('[store]\nretention_days = "many"\n', ("store", "retention_days")),
        ('[detect]\ntrusted_proxies = ["10.0.0.0/99"]\n', ("trusted_proxies", "10.0.0.0/99")),
    ],
    ids=["unknown setting", "unknown section", "not toml", "wrong type", "bad network"],
)
def test_configuration_that_cannot_stand(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    """An unknown or impossible setting is named, with the file."""
    config = tmp_path / "cowitness.toml"
    config.write_text(text)
    refused(
        up("--config", config, "--run-dir", tmp_path / "r", "--state-dir", tmp_path / "s"), "cowitness.toml", *words
    )


def test_missing_configuration_file(tmp_path: Path) -> None:
    """A configuration file that is not there is an error where it was asked for."""
    refused(up("--config", tmp_path / "none.toml"), "none.toml")


def test_socket_path_too_long(tmp_path: Path) -> None:
    """A run directory in which a Unix socket's name does not fit is refused with the limit."""
    refused(up("--run-dir", tmp_path / ("d" * 120), "--state-dir", tmp_path / "s"), "107")


def test_second_daemon(tmp_path: Path) -> None:
    """A second daemon on the same run directory names the first one's pid."""
    with running_node("--no-probes") as node:
        assert node.process is not None
        refused(up("--run-dir", node.run_dir, "--state-dir", tmp_path / "s", "--no-probes"), str(node.process.pid))
        assert node.cli("agents").returncode == 0


def test_run_directory_without_rights(tmp_path: Path) -> None:
    """A run directory that this user may not write is refused by name."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    with short_directory() as directory:
        directory.chmod(0o755)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(BIN / "cowitness"), "up", "--no-probes",
             "--run-dir", str(directory / "run"), "--state-dir", str(directory / "state")],
            capture_output=True, text=True, timeout=30, cwd="/",
        )  # fmt: skip
        refused(done, str(directory / "run"), "ermission")


def test_corrupt_store_is_kept_aside() -> None:
    """A store file that is no database is moved aside, never deleted, and the node starts with a new one."""
    with short_directory() as directory:
        node = Node(directory, "--no-probes").start()
        node.stop()
        store = next(path for path in node.state_dir.iterdir() if path.suffix in (".sqlite3", ".db"))
        for path in node.state_dir.glob(store.name + "-*"):
            path.unlink()
        store.write_bytes(b"this is no database" * 1000)
        node.start()
        assert node.traces() == []
        node.stop()
        kept = [path for path in node.state_dir.iterdir() if "corrupt" in path.name]
        assert [path.read_bytes()[:19] for path in kept] == [b"this is no database"]
        assert str(kept[0]) in node.log.read_text()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("traces", "--verdict", "perhaps"), "perhaps"),
        (("traces", "--since", "soonish"), "soonish"),
        (("traces", "--limit", "-1"), "limit"),
        (("trace", "ffffffffffffffff"), "ffffffffffffffff"),
        (("trace", "../../x"), "../../x"),
        (("logins", "--outcome", "maybe"), "maybe"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_words_that_mean_nothing(words: tuple[str, ...], expected: str) -> None:
    """A filter or an id that cannot be is named in the error."""
    with running_node("--no-probes") as node:
        refused(node.cli(*words, check=False), expected)


def test_no_collector(tmp_path: Path) -> None:
    """Asking where no collector runs says where it looked."""
    done = subprocess.run(
        [str(BIN / "cowitness"), "traces", "--run-dir", str(tmp_path)], capture_output=True, text=True, timeout=30
    )
    refused(done, str(tmp_path))


def test_nothing_left_running() -> None:
    """SIGTERM ends the daemon with 0 and leaves no child behind; SIGKILL leaves none either."""
    with short_directory() as directory:
        node = Node(directory).start()
        children = node.children()
        assert node.stop() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in children)
        node.start()
        children = node.children()
        node.kill()
        wait_for(lambda: not any(map(alive, children)), 10, "the children's end")
        shutil.rmtree(node.run_dir)


def alive(pid: int) -> bool:
    """Running, and not just waiting to be reaped by somebody else."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
