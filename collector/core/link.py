"""What inspectors and the core say to each other over their socket pair: the local frame with kinds of its own.

Both ends are ours, yet an inspector reads hostile bytes all day, so the core decodes its frames by schema too.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from collector.inventory import Agent
from collector.model import LoginEvent, Request, RequestReport
from collector.policy.document import Policy
from collector.refusal.template import Template

OPENED, CLOSED, STATUS, EVIDENCE, STATS, APPLIED = 65, 66, 67, 68, 69, 70
SETUP, REGISTERED, STORED, WITNESSED, WANTED, POLICY, CONVICTED = 81, 82, 83, 84, 85, 86, 87

MAX_BODY = 8 << 20
"""Bytes. A report of a request of 1 MiB, its findings and operations included, stays under it."""


class Opened(Struct, frozen=True):
    """OPENED: an agent's stream connection said HELLO; answered with REGISTERED."""

    agent: Agent


class Closed(Struct, frozen=True):
    """CLOSED: a stream connection of this process ended."""

    pid: int


class Status(Struct, frozen=True):
    """STATUS: what the agent now says of itself."""

    agent: Agent


class Evidence(Struct, frozen=True, omit_defaults=True):
    """EVIDENCE: what a batch came to. Answered with STORED where it holds reports or logins. `kin`: those of the clean
    requests that asked others, or were asked by others, of their trace."""

    reports: tuple[RequestReport, ...] = ()
    logins: tuple[LoginEvent, ...] = ()
    clean: tuple[str, ...] = ()
    kin: tuple[Request, ...] = ()

    @property
    def needs_storing(self) -> bool:
        return bool(self.reports or self.logins)


class Stats(Struct, frozen=True):
    """STATS: totals since the inspector's start. `counters` is {name: {label value: total}}; `judge_seconds` and
    `verdict_seconds` are cumulative histograms: counts by upper bound (`times.BOUNDS`), the sum last."""

    counters: dict[str, dict[str, int]]
    connections: int
    memory_bytes: int
    histograms: dict[str, list[float]] = {}


class Setup(Struct, frozen=True):
    """SETUP: the first frame, from the core. `settings` is the whole configuration as plain data; `token` is what
    agents say first that come by TCP; `template` is what stopped requests are answered with."""

    settings: dict[str, Any]
    host: str
    token: str = ""
    template: Template = Template()


class NewPolicy(Struct, frozen=True):
    """POLICY: what holds from now on; answered with APPLIED."""

    policy: Policy


class Applied(Struct, frozen=True):
    """APPLIED: this inspector judges by that version, and has told its agents."""

    version: int


class Registered(Struct, frozen=True):
    """REGISTERED: whether the kernel side watches the process of that OPENED."""

    witnessed: bool


class Witnessed(Struct, frozen=True):
    """WITNESSED: later news of the same; processes that became watched, or ceased to be."""

    pids: list[int]
    witnessed: bool


class Wanted(Struct, frozen=True):
    """WANTED: the kernel convicted these requests: report them, whatever the rules say."""

    request_ids: list[str]


class Convicted(Struct, frozen=True):
    """CONVICTED: the kernel saw the effect of these requests' attacks: what they answer is not to get out."""

    request_ids: list[str]


decode_opened = msgspec.json.Decoder(Opened).decode
decode_closed = msgspec.json.Decoder(Closed).decode
decode_status = msgspec.json.Decoder(Status).decode
decode_evidence = msgspec.json.Decoder(Evidence).decode
decode_stats = msgspec.json.Decoder(Stats).decode
decode_setup = msgspec.json.Decoder(Setup).decode
decode_registered = msgspec.json.Decoder(Registered).decode
decode_witnessed = msgspec.json.Decoder(Witnessed).decode
decode_wanted = msgspec.json.Decoder(Wanted).decode
decode_convicted = msgspec.json.Decoder(Convicted).decode
decode_policy = msgspec.json.Decoder(NewPolicy).decode
decode_applied = msgspec.json.Decoder(Applied).decode
