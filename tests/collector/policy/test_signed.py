"""Bundles: whose signature counts, and that there is no way back to an older one."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.policy.document import Policy, PolicyError
from collector.policy.signed import Keys, reader, sign

OLD, NEW, STRANGER = b"\1" * 32, b"\2" * 32, b"\3" * 32


def public(secret: bytes) -> str:
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()).decode()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys([public(OLD), public(NEW)], tmp_path / "policy" / "serial")


def test_either_key(keys: Keys) -> None:
    """While keys are changed both count; what comes out is what was signed."""
    for serial, secret in enumerate((OLD, NEW)):
        assert reader(keys)(sign(Policy(mode="block"), serial, secret), "b") == Policy(mode="block")


def test_no_way_back(keys: Keys, tmp_path: Path) -> None:
    """An older serial is refused, by a later start, too; the same again is taken."""
    reader(keys)(sign(Policy(), 7, OLD), "b")
    again = Keys([public(OLD)], tmp_path / "policy" / "serial")
    assert reader(again)(sign(Policy(mode="off"), 7, OLD), "b").mode == "off"
    with pytest.raises(PolicyError, match="serial 6 is older than 7"):
        reader(again)(sign(Policy(), 6, OLD), "b")


def test_a_stranger(keys: Keys) -> None:
    """A key that is not known is named."""
    with pytest.raises(PolicyError, match="is unknown; known are"):
        reader(keys)(sign(Policy(), 1, STRANGER), "b")


def test_changed_on_the_way(keys: Keys) -> None:
    """One byte of the payload, or another's signature: refused, and the serial does not count."""
    bundle = json.loads(sign(Policy(), 9, OLD))
    payload = base64.b64decode(bundle["payload"]).replace(b"9", b"8")
    other = base64.b64encode(b"0" * 64).decode()
    for change in ({"payload": base64.b64encode(payload).decode()}, {"signature": other}):
        with pytest.raises(PolicyError, match="the signature does not fit"):
            reader(keys)(json.dumps({**bundle, **change}).encode(), "b")
    assert keys.serial == -1


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"key":"a","payload":"%","signature":""}', b'mode = "off"', b"\xff"]
)
def test_no_bundle(keys: Keys, data: bytes) -> None:
    """A plain policy, or noise, is no bundle."""
    with pytest.raises(PolicyError, match="no signed bundle"):
        reader(keys)(data, "b")


@pytest.mark.parametrize("text", ["", "no base64", base64.b64encode(b"short").decode()])
def test_no_key(text: str, tmp_path: Path) -> None:
    """A setting that is no key is refused at the start."""
    with pytest.raises(PolicyError, match="is no Ed25519 key"):
        Keys([text], tmp_path / "serial")
