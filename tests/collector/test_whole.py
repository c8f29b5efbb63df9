"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector import whole


def test_in_the_place_of_another(tmp_path: Path) -> None:
    """The new text stands alone, for this user's eyes, in a folder that was made for it."""
    path = tmp_path / "a" / "b.json"
    for data in (b"first, which is longer", b"second"):
        whole.write(path, data)
        assert path.read_bytes() == data
        assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be(tmp_path: Path) -> None:
    """It is raised; what was there stays, and nothing is left beside it."""
    path = tmp_path / "taken"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"):
        whole.write(path, b"data")
    assert list(tmp_path.iterdir()) == [path]
    assert (path / "inside").is_dir()
