"""Profiles on disk: one file for each service in the state directory, replaced as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec
import structlog

from collector import whole
from collector.behaviour.profile import Profile

MAX_FILE = 8 << 20
MAX_FILES = 256

log = structlog.get_logger()
_decode = msgspec.json.Decoder(Profile).decode


def file_of(directory: Path, service: str) -> Path:
    """A name that any service's name can become."""
    return directory / f"{hashlib.sha256(service.encode('utf-8', 'backslashreplace')).hexdigest()[:32]}.json"


def load(directory: Path) -> dict[str, Profile]:
    """What was kept; a file that cannot be understood is said and passed over: its service is learnt anew."""
    found: dict[str, Profile] = {}
    for path in sorted(directory.glob("*.json"))[:MAX_FILES]:
        try:
            with path.open("rb") as file:
                profile = _decode(file.read(MAX_FILE))
        except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
            log.warning("a service's behaviour cannot be read", path=str(path), error=str(error)[:200])
        else:
            found[profile.service] = profile
    return found


def encoded(profiles: Iterable[Profile]) -> list[tuple[str, bytes]]:
    """Service and document of each, as they are now."""
    return [(profile.service, msgspec.json.encode(profile)) for profile in profiles]


def write(directory: Path, documents: Iterable[tuple[str, bytes]]) -> list[str]:
    """Keep them; the services whose documents could not be written."""
    failed = []
    for service, data in documents:
        try:
            whole.write(file_of(directory, service), data)
        except OSError as error:
            log.error("a service's behaviour cannot be kept", service=service, error=str(error)[:200])
            failed.append(service)
    return failed
