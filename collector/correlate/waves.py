"""Attack waves: many scanner-like requests of one client within a window make one trace that counts them.

A request is scanner-like where a rule found something in it; each counts once. Of IPv6 the /64 is one client. Memory is
bounded: the clients that were heard of last, and of each as much as a trace shows. No I/O.
"""

from __future__ import annotations

import os
import time
from collections import Counter, OrderedDict
from collections.abc import Callable

from msgspec import Struct, field

from collector.correlate.floods import ALWAYS, REFUSED, source_of
from collector.model import Action, AttackTrace, Finding, Process, Request, RequestReport, Verdict
from collector.policy.document import Waves as Settings

CLIENTS = 10_000
RULES, PATHS, PATH = 16, 8, 100
"""Rules, and services and paths, that are told of a wave, and characters of a path."""

RULE, CATEGORY = "attack-wave", "attack_wave"
TAGS = ("T1595", "CAPEC-310")
SECOND = 1_000_000_000
TELL = 5.0
"""Seconds between two words on a wave that goes on."""

COUNTED_ELSEWHERE = (*REFUSED, *ALWAYS)


class Client(Struct):
    """Who is watched: the last hits (request id: ns), what they showed, and the wave they came to: its id (empty where
    there is none), its first hit and how many there were. `told` (s): the last word on it; `done`: what was done about
    it, until `until` (ns)."""

    hits: OrderedDict[str, int] = field(default_factory=OrderedDict)
    rules: Counter[str] = field(default_factory=Counter)
    paths: dict[str, None] = field(default_factory=dict)
    services: dict[str, None] = field(default_factory=dict)
    last: int = 0
    id: str = ""
    start: int = 0
    count: int = 0
    told: float = 0.0
    until: int = 0
    request: Request = Request("")
    done: str = ""


class Waves:
    """`settings` gives what the policy says of waves now; `evicted` counts clients that were forgotten for others."""

    def __init__(self, settings: Callable[[], Settings] = Settings, now: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._now = settings, now
        self._clients: OrderedDict[str, Client] = OrderedDict()
        self._grown: dict[str, None] = {}
        self._ended: list[AttackTrace] = []
        self.found = self.evicted = 0

    def __len__(self) -> int:
        return len(self._clients)

    def on_report(self, report: RequestReport) -> Client | None:
        """Count a request; its client where that is in a wave now."""
        settings, request = self._settings(), report.request
        rules = [one.rule_id for one in report.findings if one.category not in COUNTED_ELSEWHERE]
        if settings.action == "off" or not rules or not request.client_address:
            return None
        name = source_of(request.client_address)
        client = self._client(name)
        if request.request_id in client.hits:
            return None
        if client.last and request.start_time - client.last > settings.seconds * SECOND:
            self._end(name, client)
        self._count(client, request, rules, settings)
        if not client.id:
            return None
        self._grown[name] = None
        return client

    def due(self, everything: bool = False) -> list[AttackTrace]:
        """The traces of waves of which there is news."""
        now = self._now()
        ready = [name for name in self._grown if everything or now - self._clients[name].told >= TELL]
        for name in ready:
            del self._grown[name]
            self._clients[name].told = now
        ended, self._ended = self._ended, []
        return ended + [trace_of(name, self._clients[name]) for name in ready]

    def _client(self, name: str) -> Client:
        found = self._clients.setdefault(name, Client(told=self._now() - TELL))
        self._clients.move_to_end(name)
        if len(self._clients) > CLIENTS:
            gone, client = self._clients.popitem(last=False)
            self._end(gone, client)
            self.evicted += 1
        return found

    def _count(self, client: Client, request: Request, rules: list[str], settings: Settings) -> None:
        client.last = max(client.last, request.start_time)
        client.hits[request.request_id], client.request = request.start_time, request
        while len(client.hits) > settings.requests:
            client.hits.popitem(last=False)
        client.rules.update(one for one in set(rules) if one in client.rules or len(client.rules) < RULES)
        if len(client.services) < PATHS:
            client.services[request.process.service] = None
        if len(client.paths) < PATHS:
            client.paths[request.path[:PATH]] = None
        client.count += 1
        if not client.id and len(client.hits) == settings.requests:
            self._begin(client, settings.seconds * SECOND)

    def _begin(self, client: Client, window: int) -> None:
        first, last = min(client.hits.values()), max(client.hits.values())
        if last - first <= window:
            client.id = f"{int.from_bytes(os.urandom(8), 'big') >> 2 or 1:016x}"
            client.start, client.count = first, len(client.hits)
            self.found += 1

    def _end(self, name: str, client: Client) -> None:
        """Silence for a whole window: what comes now is another wave, or none."""
        if name in self._grown:
            del self._grown[name]
            self._ended.append(trace_of(name, client))
        client.hits.clear()
        client.rules.clear()
        client.paths.clear()
        client.services.clear()
        client.id, client.count, client.done, client.until = "", 0, "", 0
        client.told = self._now() - TELL


def trace_of(name: str, client: Client) -> AttackTrace:
    """The trace of a wave. Its request has no path and no service: it stands for many, of several maybe."""
    seconds = max(1, round((client.last - client.start) / SECOND))
    rules = ", ".join(f"{rule} ({count})" for rule, count in client.rules.most_common())
    text = (
        f"{client.count:,} requests in {seconds:,} s; services {', '.join(client.services)}; rules {rules}; "
        f"paths {', '.join(client.paths)}{client.done}"
    )
    action = Action.BLOCKED if client.done else Action.MONITORED
    finding = Finding(
        RULE, "Many requests like those of a scanner", CATEGORY, Verdict.ATTEMPTED, TAGS, action, "address", name, text
    )
    last = client.request
    request = Request(
        client.id, start_time=client.start, duration=client.last - client.start, client_address=last.client_address,
        forged_forwarding=last.forged_forwarding, user_agent=last.user_agent, process=Process(host=last.process.host),
    )  # fmt: skip
    return AttackTrace(client.id, Verdict.ATTEMPTED, action, request, (finding,), update_time=time.time_ns())
