"""What detection can be told. Part of the configuration (collector/settings.py)."""

from __future__ import annotations

import ipaddress
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class DetectSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Finding attacks in what the app was asked, and in what it did."""

    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks (CIDR) of proxies whose X-Forwarded-For and Forwarded headers are believed. "
            "Headers from anybody else are not taken for the client's address, and are noted as forged."
        ),
    ] = ()
    disabled_rules: Annotated[
        tuple[str, ...], Meta(description="Ids of built-in rules that are not to be used, such as `xss-002`.")
    ] = ()
    rules_dir: Annotated[
        str, Meta(description="A directory with more rules (`*.toml`, of the same form as the built-in ones).")
    ] = ""
    cache_dir: Annotated[
        str,
        Meta(
            description="Where compiled rules are kept: a directory that only the daemon may write to. By default "
            "`cowitness/rules` in `$XDG_CACHE_HOME` or `~/.cache`, or `rules` in `paths.state_dir` where that fails."
        ),
    ] = ""
    block_score: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="In block mode, refuse a request whose attempts come to this score (a rule adds its "
            "confidence, 1 to 5); 0 refuses for rules that say `block` only.",
        ),
    ] = 0
    crs: Annotated[
        bool,
        Meta(
            description="Run the OWASP Core Rule Set as well. At its lowest level it flags one harmless text in six, "
            "so it is for those who write its exclusions."
        ),
    ] = False
    crs_dir: Annotated[
        str,
        Meta(
            description="Where the Core Rule Set is: a directory with `rules/` and `crs-setup.conf`. By default what "
            "the package modsecurity-crs installed."
        ),
    ] = ""
    crs_paranoia_level: Annotated[int, Meta(ge=1, le=4, description="Its paranoia level.")] = 1
    crs_report_score: Annotated[
        int,
        Meta(ge=1, le=1000, description="Its anomaly score from which a request's matches are told; 5 is its own."),
    ] = 5
    redact_keys: Annotated[
        tuple[str, ...],
        Meta(description="Further words; the value of a parameter whose name holds one is never stored."),
    ] = ()
    max_value_bytes: Annotated[
        int, Meta(ge=64, le=65536, description="How much of an attacking value is stored, in characters.")
    ] = 2048


def networks(settings: DetectSettings) -> tuple[Network, ...]:
    """The trusted proxies as networks; raises ValueError that names the setting and the value."""
    found = []
    for text in settings.trusted_proxies:
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise ValueError(f"trusted_proxies: '{text}' is not a network") from None
    return tuple(found)


def check(settings: DetectSettings) -> None:
    """Raise ValueError for what the types cannot refuse; it names the setting and the bad value."""
    from collector.detect.redact import Redactor  # RE2 is no load for who only reads the settings' types

    networks(settings)
    Redactor(settings.redact_keys)
    if settings.rules_dir or settings.disabled_rules:
        from collector.detect.rulefile import load

        load(settings.rules_dir, settings.disabled_rules)


def from_plain(data: object) -> DetectSettings:
    """Settings from plain data, as an inspector receives them; raises msgspec.ValidationError."""
    return msgspec.convert(data, DetectSettings)
