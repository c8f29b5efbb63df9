"""A profile as a policy of enforcement, and what of it no policy can say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from collector.behaviour.names import PUBLIC
from collector.behaviour.profile import Profile
from collector.enforcement_settings import MAX_PROGRAM_PATH, PolicySettings

MAX_LISTED = 256
PROGRAM = re.compile(r"/[^*#\x00-\x1f\x7f]+")
DESTINATION = re.compile(r"\[?([0-9a-f.:]+?)\]?(/[0-9]+)?:(?:[0-9]+|\*)")


def policy(profile: Profile) -> tuple[PolicySettings, list[str]]:
    """What allows what is known and nothing else, to be observed first; and things that it leaves out, with the reason.
    Ports and names cannot be said: an address stands for all of its ports."""
    missing: list[str] = []
    programs = list(_programs(profile.known.get("program", {}), missing))
    networks = list(dict.fromkeys(_networks(profile.known.get("destination", {}), missing)))
    public = any(name.startswith(f"{PUBLIC}:") for name in profile.known.get("destination", {}))
    written = PolicySettings(
        name=slug(profile.service), service=profile.service[:200], mode="observe", scope="requests",
        execute="listed" if programs else "none", programs=tuple(sorted(programs)),
        connect="no-private" if public else "listed", networks=tuple(sorted(networks)),
    )  # fmt: skip
    return written, missing


def _programs(known: Iterable[str], missing: list[str]) -> Iterator[str]:
    for count, name in enumerate(sorted(known)):
        if not PROGRAM.fullmatch(name) or len(name.encode()) > MAX_PROGRAM_PATH:
            missing.append(f"program {name}: no whole path, or a long one")
        elif count >= MAX_LISTED:
            missing.append(f"program {name}: a policy lists {MAX_LISTED}")
        else:
            yield name


def _networks(known: Iterable[str], missing: list[str]) -> Iterator[str]:
    for count, name in enumerate(sorted(known)):
        match = DESTINATION.fullmatch(name)
        if name.startswith(("unix:", f"{PUBLIC}:")):
            continue
        if match is None or count >= MAX_LISTED:
            missing.append(f"destination {name}: a policy lists {MAX_LISTED} addresses and networks")
        else:
            yield match[1] + (match[2] or "")


def slug(service: str) -> str:
    """A policy's name made of a service's.

    >>> slug("Shop API (v2)"), slug("***")
    ('shop-api-v2', 'service')
    """
    return re.sub(r"[^a-z0-9._]+", "-", service.lower()).strip("-._")[:64] or "service"
