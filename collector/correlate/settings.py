"""How much of a flood is kept. Part of the configuration (collector/settings.py)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class FloodSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many traces of attempts and refusals are kept; confirmed ones all are."""

    traces_per_second: Annotated[
        int, Meta(ge=1, le=100_000, description="Of all sources, where more come for long.")
    ] = 100
    source_traces_per_second: Annotated[
        int, Meta(ge=1, le=100_000, description="Of one client address (of IPv6 the /64), likewise.")
    ] = 20
    burst: Annotated[
        int,
        Meta(
            ge=100,
            le=1_000_000,
            description="So many are kept before these rates count; one source may take half of it, and the last "
            "quarter is for attacks that reached an operation.",
        ),
    ] = 12_000
    refusals_in_full: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Refusals of one client for one reason that are kept a minute; the others are counted on the "
            "last of these.",
        ),
    ] = 60
    repeats_in_full: Annotated[
        int,
        Meta(ge=1, le=100_000, description="The same for one attempt (rule, client, route and value)."),
    ] = 100
