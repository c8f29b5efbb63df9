"""Findings of first-seen behaviour: the attack that no rule knows."""

from __future__ import annotations

import errno
from collections.abc import Callable

from msgspec import Struct

from collector.behaviour.names import Thing
from collector.correlate.deeds import LOCATION, command
from collector.model import Finding, Verdict
from probes.vocabulary import KernelEvent

CATEGORY = "unusual_behaviour"
MISSING = (-errno.ENOENT, -errno.ENOTDIR)


class Rule(Struct, frozen=True):
    rule_id: str
    rule_name: str
    tags: tuple[str, ...]
    told: Callable[[KernelEvent, Thing], str]


EXEC = Rule(
    "behaviour-exec", "A request executed a program that this service never executed", ("T1059", "CWE-78"),
    lambda event, thing: command(event),
)  # fmt: skip
CONNECT = Rule(
    "behaviour-connect", "A request reached for a destination that this service never had", ("T1071", "CWE-918"),
    lambda event, thing: thing.name,
)  # fmt: skip
READ = Rule(
    "behaviour-path", "A request read a sensitive file that this service never read", ("T1005", "CWE-22"),
    lambda event, thing: f"{event.operation or event.kind} {event.path}",
)  # fmt: skip
WRITE = Rule(
    "behaviour-path", "A request changed a file where this service never did", ("T1505.003", "CWE-73"),
    lambda event, thing: " ".join(filter(None, (event.operation or event.kind, event.path, event.target))),
)  # fmt: skip


def rule_of(thing: Thing) -> Rule:
    if thing.kind == "program":
        return EXEC
    if thing.kind != "path":
        return CONNECT
    return READ if thing.name.startswith("read ") else WRITE


def stage(event: KernelEvent) -> Verdict:
    """Confirmed where it happened, attempted where the kernel refused it. A connection that was begun has happened."""
    if event.kind in ("connect", "send"):
        return Verdict.ATTEMPTED if event.result == -errno.EPERM else Verdict.CONFIRMED
    return Verdict.CONFIRMED if event.result >= 0 else Verdict.ATTEMPTED


def finding(event: KernelEvent, thing: Thing) -> Finding:
    """What is told of it."""
    rule = rule_of(thing)
    return Finding(
        rule.rule_id, rule.rule_name, CATEGORY, stage(event), rule.tags, location=LOCATION,
        parameter=thing.name[:256], value=rule.told(event, thing)[:1024],
    )  # fmt: skip
