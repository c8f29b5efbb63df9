"""Policies that come from elsewhere: a bundle with a signature (Ed25519, RFC 8032) over its very bytes.

A bundle is JSON: {"key": id, "payload": base64, "signature": base64}; the payload is {"serial": number, "policy": the
document}. Several keys may be known, so that one can take over from another. A serial that is lower than one that was
taken is refused: an old bundle is no way back.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from collector import whole
from collector.policy.document import MAX_DOCUMENT, Policy, PolicyError, encode, parse

KEY_BYTES = 32


class Bundle(Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    payload: str
    signature: str


class Payload(Struct, frozen=True, forbid_unknown_fields=True):
    serial: int
    policy: msgspec.Raw


class Keys:
    """Public keys by id; the highest serial that was taken is kept at `path`. Raises PolicyError for what is no key."""

    def __init__(self, texts: Iterable[str], path: Path) -> None:
        self.known = {key_id(data): Ed25519PublicKey.from_public_bytes(data) for data in map(_key, texts)}
        self._path = path

    @property
    def serial(self) -> int:
        """The highest that was taken."""
        with contextlib.suppress(OSError, ValueError):
            return int(self._path.read_text())
        return -1

    def took(self, serial: int) -> None:
        """Remember it; raises PolicyError where that cannot be: the way back would be open."""
        try:
            whole.write(self._path, f"{serial}\n".encode())
        except OSError as error:
            raise PolicyError(f"{self._path}: {error.strerror}") from None


def opened(data: bytes, keys: Keys, name: str) -> Policy:
    """The policy in a bundle; raises PolicyError."""
    try:
        bundle = msgspec.json.decode(data[: 2 * MAX_DOCUMENT], type=Bundle)
        payload, signature = (base64.b64decode(text, validate=True) for text in (bundle.payload, bundle.signature))
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise PolicyError(f"{name}: no signed bundle: {error}") from None
    key = keys.known.get(bundle.key)
    if key is None:
        raise PolicyError(f"{name}: key '{bundle.key[:32]}' is unknown; known are {', '.join(keys.known)}")
    try:
        key.verify(signature, payload)
        inner = msgspec.json.decode(payload, type=Payload)
    except InvalidSignature:
        raise PolicyError(f"{name}: the signature does not fit") from None
    except msgspec.DecodeError as error:
        raise PolicyError(f"{name}: {error}") from None
    if inner.serial < (last := keys.serial):
        raise PolicyError(f"{name}: serial {inner.serial} is older than {last}, which was taken before")
    policy = parse(bytes(inner.policy), name.removesuffix(".toml"))
    keys.took(inner.serial)
    return policy


def reader(keys: Keys) -> Callable[[bytes, str], Policy]:
    """What reads bundles that one of these keys signed."""
    return lambda data, name: opened(data, keys, name)


def sign(policy: Policy, serial: int, secret: bytes) -> bytes:
    """A bundle; `secret` is a private key of 32 bytes."""
    key = Ed25519PrivateKey.from_private_bytes(secret)
    payload = msgspec.json.encode(Payload(serial, msgspec.Raw(encode(policy))))
    name = key_id(key.public_key().public_bytes_raw())
    texts = (base64.b64encode(part).decode() for part in (payload, key.sign(payload)))
    return msgspec.json.encode(Bundle(name, *texts))


def key_id(public: bytes) -> str:
    """16 hex digits."""
    return hashlib.sha256(public).hexdigest()[:16]


def _key(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != KEY_BYTES:
        raise PolicyError(f"'{text[:60]}' is no Ed25519 key: {KEY_BYTES} bytes in base64")
    return data
