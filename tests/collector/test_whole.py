"""Files that are read and written whole or not at all."""

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


def test_text(tmp_path: Path) -> None:
    """As it stands, up to the limit, without a byte order mark."""
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf\xc3\xa9")
    assert whole.text(tmp_path / "a", 5) == "\u00e9"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("none", "cannot read .*none: No such file"), ("", "cannot read .*: Is a directory"),
        ("large", "large is larger than 4 bytes"), ("binary", "binary is not UTF-8 text"),
        ("/dev/zero", "/dev/zero is larger than 4 bytes"),
    ],
)  # fmt: skip
def test_what_is_no_text(tmp_path: Path, name: str, problem: str) -> None:
    """The error names the file; one without end is not read to it."""
    (tmp_path / "large").write_bytes(b"12345")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=problem):
        whole.text(tmp_path / name, 4)
