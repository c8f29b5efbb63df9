"""Where the policy comes from. Part of the configuration (collector/settings.py)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class PolicySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The policy that can change at run time (`cowitness policy`, `block`, `pass`)."""

    file: Annotated[
        str,
        Meta(
            max_length=4096,
            description="A policy (TOML by its name, else JSON) that is followed: every change of the file counts "
            "within a second, one that cannot be is refused and said.",
        ),
    ] = ""
    country_database: Annotated[
        str,
        Meta(
            max_length=4096,
            description="A database of countries in MaxMind's format (MMDB), so that `country:XX` may be listed. Read "
            "at the start; each inspector holds it in memory.",
        ),
    ] = ""
    keys: Annotated[
        tuple[str, ...],
        Meta(
            max_length=16,
            description="Ed25519 public keys (base64). With any, the file must be a bundle that one of them signed "
            "(`cowitness policy sign`), and never an older one than before.",
        ),
    ] = ()
