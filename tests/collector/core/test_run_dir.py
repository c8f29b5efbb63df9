"""The run directory."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from collector.core import run_dir
from collector.core.run_dir import CannotStart


def test_prepared(tmp_path: Path) -> None:
    """Everybody may pass through the run directory, only we and our group into the state; whatever the umask."""
    before = os.umask(0o077)
    try:
        run_dir.prepare(tmp_path / "a" / "run", tmp_path / "state")
    finally:
        os.umask(before)
    assert (tmp_path / "a" / "run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o750


def test_path_too_long(tmp_path: Path) -> None:
    """The limit of a Unix socket's path is named."""
    with pytest.raises(CannotStart, match="107"):
        run_dir.prepare(tmp_path / ("d" * 120), tmp_path)


def test_no_directory(tmp_path: Path) -> None:
    """A file in the place of a directory is named with its option."""
    (tmp_path / "run").write_text("")
    with pytest.raises(CannotStart, match="--run-dir"):
        run_dir.prepare(tmp_path / "run", tmp_path / "state")


def test_lock(tmp_path: Path) -> None:
    """The lock names its holder, and is free when the holder is gone, however it went."""
    script = f"import time; from pathlib import Path; from collector.core import run_dir; run_dir.lock(Path({str(tmp_path)!r})); print('held', flush=True); time.sleep(60)"  # noqa: E501
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(CannotStart, match=rf"\(pid {holder.pid}\)"):
            run_dir.lock(tmp_path)
        holder.kill()
    os.close(run_dir.lock(tmp_path))


def test_lock_is_no_link(tmp_path: Path) -> None:
    """A symbolic link in the lock's place is not followed."""
    (tmp_path / "target").write_text("precious")
    (tmp_path / "cowitness.lock").symlink_to(tmp_path / "target")
    with pytest.raises(CannotStart):
        run_dir.lock(tmp_path)
    assert (tmp_path / "target").read_text() == "precious"


def test_listen_replaces_a_stale_socket(tmp_path: Path) -> None:
    """What a killed daemon left is replaced; the mode is right."""
    path = tmp_path / "agent.sock"
    run_dir.listen(path, 0o666).close()
    with run_dir.listen(path, 0o666), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert path.stat().st_mode & 0o777 == 0o666
