"""Kernel events against what their service normally does. Pure but for its log; the clock is handed in.

Everything that a service does teaches, in requests and outside; only what a request does is found. What a request under
attack has shown is taken back (`attacked`). Each version of a service is learnt, beside what the others taught.
Nearly every event is known: it costs two or three look-ups. Not caught: what an attacker does while a service is being
learnt and no rule finds; a process that calls itself by another service's name or by a new version teaches that one.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence

import structlog
from msgspec import Struct

from collector.behaviour.findings import MISSING, finding
from collector.behaviour.memory import Quiet, add, is_known, note_known, remember
from collector.behaviour.names import DNS_PORTS, PUBLIC, WRITING, Thing, harmless, things
from collector.behaviour.profile import HOUR, MIN_REQUESTS, Profile, Version
from collector.behaviour.settings import BehaviourSettings
from collector.inventory import Agent
from collector.model import Finding, Process
from probes.vocabulary import KernelEvent

MAX_SERVICES = 256
MAX_PROCESSES = 32_768
MAX_REQUESTS = 8192
"""Requests remembered that are under attack, that taught something, that asked for a known name, that were found."""

MAX_FOUND = 64
"""First-seen things of one request that are looked at; more are counted."""

KINDS = frozenset((
    "exec", "fork", "exit", "connect", "send", "dns", "open", "delete", "rename", "link", "chmod", "chown", "truncate",
))  # fmt: skip
log = structlog.get_logger()


class Owner(Struct, frozen=True):
    """Whose process it is. `quiet`: what of this service needs no second look."""

    profile: Profile
    version: str
    quiet: Quiet


class Watcher:
    """`process` knows the apps' processes by pid. `counters`: learnt, first_seen, taken_back, no_room, services_full.
    `changed`: services whose profiles are to be kept anew."""

    def __init__(
        self, settings: BehaviourSettings, process: Callable[[int], Process | None] = lambda pid: None,
        now: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        self._settings, self._process, self._now = settings, process, now
        self.profiles: dict[str, Profile] = {}
        self.changed: set[str] = set()
        self._quiet: dict[str, Quiet] = {}
        self._owners: OrderedDict[int, Owner] = OrderedDict()
        self._served: OrderedDict[int, int] = OrderedDict()
        self._attacked: OrderedDict[str, None] = OrderedDict()
        self._taught: OrderedDict[str, Profile] = OrderedDict()
        self._read: set[str] = set()
        self._found: OrderedDict[str, int] = OrderedDict()
        self._named: OrderedDict[str, None] = OrderedDict()
        self.counters: Counter[str] = Counter()

    def opened(self, agent: Agent) -> None:
        """An app's process introduced itself."""
        self._owners.pop(agent.process.pid, None)
        if agent.process.pid > 0 and self._settings.mode != "off":
            self._own(agent.process.pid, agent.process)

    def status(self, agent: Agent) -> None:
        """An agent says how many requests its process has served."""
        owner, pid = self._owners.get(agent.process.pid), agent.process.pid
        if owner is None:
            return
        served = agent.counters.get("requests", 0)
        state = owner.profile.version(owner.version, self._now())
        state.requests += max(0, served - self._served.get(pid, 0))
        remember(self._served, pid, served, MAX_PROCESSES)
        self._learning(owner)

    def take(self, events: Sequence[KernelEvent]) -> list[tuple[KernelEvent, Finding]]:
        """Learn from these; what of them is first seen in a request, and the finding that it makes."""
        found: list[tuple[KernelEvent, Finding]] = []
        if not self._owners:
            return found
        owners, read = self._owners, self._read
        for event in events:
            kind = event.kind
            if (kind == "open" and not event.flags & WRITING and event.path in read) or kind not in KINDS:
                continue
            owner = owners.get(event.pid) or self._find_owner(event)
            if owner is None:
                continue
            if kind == "fork":
                remember(owners, event.child_pid, owner, MAX_PROCESSES)
            elif kind == "exit":
                owners.pop(event.pid, None)
            elif not is_known(event, owner.quiet):
                found += self._look(event, owner)
        return found

    def attacked(self, request_id: str) -> None:
        """This request was an attack: it teaches nothing."""
        remember(self._attacked, request_id, None, MAX_REQUESTS)
        profile = self._taught.pop(request_id, None)
        if profile is not None and (count := profile.unlearn(request_id)):
            self._quiet[profile.service].clear()
            self.changed.add(profile.service)
            self.counters["taken_back"] += count

    def forget(self, service: str) -> bool:
        """Begin anew with this service; False where nothing is known of it."""
        profile = self.profiles.get(service)
        if profile is None:
            return False
        running = {owner.version for owner in self._owners.values() if owner.profile is profile}
        profile.known, profile.novel, profile.overflow, profile.versions = {}, {}, {}, {}
        for name in running or {""}:
            profile.version(name, self._now())
        self._quiet.get(service, set()).clear()
        self.changed.add(service)
        log.warning("a service is learnt anew", service=service, reason="asked to")
        return True

    # inside

    def _find_owner(self, event: KernelEvent) -> Owner | None:
        """The service of a process that is not known yet: its own, or that of one above it."""
        if (process := self._process(event.pid)) is not None:
            self._own(event.pid, process)
        for pid in (event.pid, event.parent_pid, *(one.pid for one in event.ancestors)):
            if pid and (owner := self._owners.get(pid)) is not None:
                remember(self._owners, event.pid, owner, MAX_PROCESSES)
                return owner
        return None

    def _own(self, pid: int, process: Process) -> None:
        profile = self.profiles.get(process.service)
        if profile is None:
            if len(self.profiles) >= MAX_SERVICES:
                self.counters["services_full"] += 1
                return
            profile = self.profiles[process.service] = Profile(process.service)
        quiet = self._quiet.setdefault(process.service, set())
        if process.version not in profile.versions:
            log.info("a version of a service is learnt", service=process.service, version=process.version)
            self.changed.add(process.service)
        profile.version(process.version, self._now())
        remember(self._owners, pid, Owner(profile, process.version, quiet), MAX_PROCESSES)

    def _learning(self, owner: Owner) -> Version | None:
        """The state of this process's version as long as it is learnt; ends that when its time has come."""
        now = self._now()
        state = owner.profile.version(owner.version, now)
        if state.learnt and self._settings.mode == "watch":
            return None
        hours = (now - state.since) / HOUR
        served = state.requests
        over = served >= self._settings.learn_requests or (
            hours >= self._settings.learn_hours and served >= MIN_REQUESTS
        )
        if over and self._settings.mode == "watch":
            self._end(owner, state)
            return None
        return state

    def _end(self, owner: Owner, state: Version) -> None:
        profile = owner.profile
        state.learnt, state.again = self._now(), False
        if all(one.learnt for one in profile.versions.values()):
            profile.settle()
        self.changed.add(profile.service)
        counts = {kind: len(names) for kind, names in profile.known.items()}
        log.info(
            "a service is learnt", service=profile.service, version=owner.version, requests=state.requests, **counts
        )

    def _look(self, event: KernelEvent, owner: Owner) -> Iterator[tuple[KernelEvent, Finding]]:
        """Whatever the hot path does not know."""
        if event.result in MISSING:
            return
        if event.kind == "open" and not event.flags & WRITING and harmless(event.path):
            add(self._read, event.path)
            return
        state = self._learning(owner)
        shown = list(things(event))
        fresh = [thing for thing in shown if not owner.profile.knows(thing)]
        if event.kind == "dns" and not fresh:
            remember(self._named, event.request_id, None, MAX_REQUESTS)
        for thing in fresh:
            if state is not None and not (state.again and thing.kind == "program"):
                self._learn(event, thing, owner)
            elif self._counts(event, thing, owner) and self._first_seen(event, thing, owner):
                yield event, finding(event, thing)
        if not fresh:
            note_known(event, shown, owner.profile.known.get("path", {}), owner.quiet)

    def _learn(self, event: KernelEvent, thing: Thing, owner: Owner) -> None:
        if event.request_id in self._attacked:
            return
        room = owner.profile.learn(thing, event.request_id)
        self.counters["learnt" if room else "no_room"] += 1
        if event.request_id:
            remember(self._taught, event.request_id, owner.profile, MAX_REQUESTS)
        self.changed.add(owner.profile.service)

    def _counts(self, event: KernelEvent, thing: Thing, owner: Owner) -> bool:
        """Whether it is a request's doing, of a kind that could be learnt, and neither a name server of the network nor
        a public address that the request has just looked up under a known name, on a port that is known."""
        if not event.request_id or event.attribution == "none" or owner.profile.too_varied(thing.kind):
            return False
        if thing.kind != "destination" or event.family == "unix":
            return True
        if not any(wider.name == f"{PUBLIC}:{event.port}" for wider in thing.wider):
            return event.port not in DNS_PORTS
        known = owner.profile.known.get("destination", {})
        return event.request_id not in self._named or not any(name.endswith(f":{event.port}") for name in known)

    def _first_seen(self, event: KernelEvent, thing: Thing, owner: Owner) -> bool:
        """Note it; whether it is to be found. A mass of such things begins learning anew."""
        profile, now, earlier = owner.profile, self._now(), self._found.get(event.request_id, 0)
        self.counters["first_seen"] += 1
        if earlier >= MAX_FOUND:
            return False
        remember(self._found, event.request_id, earlier + 1, MAX_REQUESTS)
        told = profile.first_seen(thing, event.request_id, now)
        self.changed.add(profile.service)
        if profile.changed_much(now):
            state = profile.version(owner.version, now)
            state.since, state.requests, state.learnt, state.again = now, 0, 0, True
            profile.accept()
            log.warning("a service is learnt anew", service=profile.service, version=owner.version,
                        reason="many things were first seen at a time; programs are still found")  # fmt: skip
        return told
