"""When an input names what was loaded to make objects."""

from __future__ import annotations

import base64
import gzip
import zlib

import pytest

from collector.detect.reached.objects import reached

PICKLE = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94."


@pytest.mark.parametrize(
    "value",
    [
        PICKLE.decode("latin-1"),
        base64.b64encode(PICKLE).decode(),
        base64.urlsafe_b64encode(PICKLE).decode().rstrip("="),
        PICKLE.hex(),
        base64.b64encode(zlib.compress(PICKLE)).decode(),
        base64.b64encode(gzip.compress(PICKLE, mtime=0)).decode(),
        base64.urlsafe_b64encode(PICKLE).decode().rstrip("=") + ".signature:of.it",
    ],
)
def test_in_any_encoding(value: str) -> None:
    """As it is, in base64 of both alphabets, in digits, compressed, with a signature behind it."""
    assert "posix" in reached(value, "posix.system")
    assert reached(value, "subprocess.Popen") == ""


@pytest.mark.parametrize("value", ["posix", "system", "x", "", "AAAAAAAAAAAAAAAA", "78" * 20, "eJw" + "A" * 40])
def test_others(value: str) -> None:
    """Half of the name, and data of other kinds, broken ones too."""
    assert reached(value, "posix.system") == ""


def test_what_unpacks_to_much_is_read_in_part() -> None:
    """A megabyte of what is compressed is looked at, and no more is ever made."""
    bomb = base64.b64encode(zlib.compress(b"a" * (64 << 20) + b"posix system")).decode()
    assert reached(bomb, "posix.system") == ""
