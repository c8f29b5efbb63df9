"""The policy as a document: TOML or JSON, checked whole before anything of it counts."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

MAX_DOCUMENT = 6 << 20
"""Bytes; room for some 40,000 entries."""

Mode = Literal["", "off", "monitor", "block"]
Subject = Annotated[str, Meta(min_length=1, max_length=300)]
Reason = Annotated[str, Meta(max_length=300)]
Service = Annotated[str, Meta(max_length=200)]
COUNTRY = re.compile("country:[A-Z]{2}")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class PolicyError(ValueError):
    """Why a policy cannot stand, in words for the person who wrote it."""


class Part(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base: a key that is not known is an error."""


class Entry(Part, frozen=True):
    """Somebody: an address, a network (CIDR), `country:XX`, `user:ID` or `session:DIGEST`, as traces show them.
    `expires`: until when; for ever without it. `command`: it came by `cowitness block` or `pass`, and outlives a new
    document; `automatic`: by itself, for an attack wave or a rate limit."""

    subject: Subject
    reason: Reason = ""
    added: datetime | None = None
    expires: datetime | None = None
    command: bool = False
    automatic: bool = False


class Rule(Part, frozen=True):
    """What becomes of a rule's matches: `rule` is an id, a category or `*`. `off` is an exclusion, `monitor` never
    refuses, `block` refuses. The first that fits counts; `path` is the beginning of one."""

    rule: Annotated[str, Meta(min_length=1, max_length=100)]
    action: Literal["off", "monitor", "block"]
    service: Service = ""
    path: Annotated[str, Meta(max_length=1000)] = ""
    parameter: Annotated[str, Meta(max_length=300)] = ""


class Limit(Part, frozen=True):
    """So many requests in so many seconds for each client address, user or session, counted together in all services
    and paths that the patterns (`*`, `?`, `[abc]`) name, and routes (`*`). `block` refuses the others (429) and, with
    `lasting`, puts the client on the block list for so many seconds; `monitor` only tells."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,64}$")]
    requests: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    seconds: Annotated[int, Meta(ge=1, le=86_400)] = 60
    key: Literal["address", "user", "session"] = "address"
    service: Annotated[str, Meta(min_length=1, max_length=200)] = "*"
    path: Annotated[str, Meta(min_length=1, max_length=200)] = "*"
    route: Annotated[str, Meta(min_length=1, max_length=200)] = "*"
    action: Literal["monitor", "block"] = "monitor"
    lasting: Annotated[int, Meta(ge=0, le=366 * 86_400)] = 0

    @property
    def refuses(self) -> bool:
        return self.action == "block"


class Waves(Part, frozen=True):
    """An attack wave is so many requests, in each of which a rule found something, of one client address within so many
    seconds. `monitor` tells of it; `suspicious` and `block` also put the address on that list for `lasting` seconds."""

    requests: Annotated[int, Meta(ge=2, le=1000)] = 50
    seconds: Annotated[int, Meta(ge=1, le=3600)] = 60
    action: Literal["off", "monitor", "suspicious", "block"] = "monitor"
    lasting: Annotated[int, Meta(ge=1, le=366 * 86_400)] = 3600


class ServiceMode(Part, frozen=True):
    """The mode of one service."""

    service: Annotated[str, Meta(min_length=1, max_length=200)]
    mode: Literal["off", "monitor", "block"]


class Policy(Part, frozen=True):
    """All of it. `version` is the node's count, whatever a document says. `mode` of all services that none names; empty
    leaves it to the apps. `block`: refused; `allow`: never refused, recorded all the same; `bypass`: not even looked at
    (networks, or paths by their beginning); `suspicious`: for these every match refuses."""

    version: Annotated[int, Meta(ge=0, le=1 << 60)] = 0
    mode: Mode = ""
    services: Annotated[tuple[ServiceMode, ...], Meta(max_length=1000)] = ()
    rules: Annotated[tuple[Rule, ...], Meta(max_length=1000)] = ()
    limits: Annotated[tuple[Limit, ...], Meta(max_length=100)] = ()
    waves: Waves = Waves()
    block: Annotated[tuple[Entry, ...], Meta(max_length=50_000)] = ()
    allow: Annotated[tuple[Entry, ...], Meta(max_length=50_000)] = ()
    bypass: Annotated[tuple[Subject, ...], Meta(max_length=1000)] = ()
    suspicious: Annotated[tuple[Entry, ...], Meta(max_length=50_000)] = ()


def parse(data: bytes, name: str) -> Policy:
    """A policy from TOML (names that end in .toml) or JSON; raises PolicyError that begins with `name`."""
    if len(data) > MAX_DOCUMENT:
        raise PolicyError(f"{name}: larger than {MAX_DOCUMENT:,} bytes")
    try:
        plain = tomllib.loads(data.decode("utf-8-sig")) if name.endswith(".toml") else msgspec.json.decode(data)
        policy = msgspec.convert(plain, Policy)
        check(policy)
    except msgspec.ValidationError as error:
        what, _, place = str(error).rpartition(" - at `$.")
        raise PolicyError(f"{name}: {place.rstrip('`')}: {what}" if what else f"{name}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{name}: {error}") from None
    return policy


def check(policy: Policy) -> None:
    """What the types cannot refuse; raises PolicyError."""
    for key in ("block", "allow", "suspicious"):
        for number, entry in enumerate(getattr(policy, key)):
            try:
                subject_of(entry.subject)
            except ValueError as error:
                raise PolicyError(f"{key}[{number}]: {error}") from None
            if entry.expires and entry.expires.tzinfo is None:
                raise PolicyError(f"{key}[{number}]: expires has no time zone")
    _check_limits(policy.limits)
    for text in policy.bypass:
        if not text.startswith("/"):
            _network(text)


def _check_limits(limits: tuple[Limit, ...]) -> None:
    for number, limit in enumerate(limits):
        if any(limit.name == other.name for other in limits[:number]):
            raise PolicyError(f"limits[{number}]: there is another limit '{limit.name}'")
        if limit.lasting and not limit.refuses:
            raise PolicyError(f"limits[{number}]: lasting is for the action block")


def subject_of(text: str) -> tuple[str, str | Network]:
    """What somebody is: ("user", "session" or "country", id), or ("network", network). Raises PolicyError."""
    kind, colon, name = text.partition(":")
    if kind == "country":
        if not COUNTRY.fullmatch(text):
            raise PolicyError(f"'{text}' is no country: two capital letters (ISO 3166-1), such as country:DE")
        return kind, name
    if colon and kind in ("user", "session"):
        if not name:
            raise PolicyError(f"'{text}' names nobody")
        return kind, name
    return "network", _network(text)


def _network(text: str) -> Network:
    """An address is a network of one; an IPv4 address in IPv6 is that IPv4 address."""
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise PolicyError(f"'{text}' is no address, no network (CIDR), nor user:ID, session:ID or country:XX") from None
    mapped = found.network_address.ipv4_mapped if isinstance(found, ipaddress.IPv6Network) else None
    if mapped is not None and found.prefixlen >= 96:
        return ipaddress.ip_network((mapped, found.prefixlen - 96))
    return found


def now() -> datetime:
    return datetime.now(UTC)


def encode(policy: Policy) -> bytes:
    """As JSON that `parse` reads."""
    return msgspec.json.encode(policy)
