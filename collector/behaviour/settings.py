"""How the behaviour of services is learnt. Part of the configuration (collector/settings.py)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class BehaviourSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Learning what a service normally executes, connects to, writes, and reads of sensitive files."""

    mode: Annotated[
        Literal["off", "learn", "watch"],
        Meta(description="`watch` learns for a while, then tells what a request does for the first time; `learn` only "
        "learns."),
    ] = "watch"  # fmt: skip
    learn_hours: Annotated[
        int,
        Meta(ge=1, le=8760, description="How long each version of a service is learnt, if it served 100 requests by "
        "then."),
    ] = 24  # fmt: skip
    learn_requests: Annotated[
        int, Meta(ge=1, le=1_000_000_000, description="Requests after which learning ends earlier.")
    ] = 50_000
