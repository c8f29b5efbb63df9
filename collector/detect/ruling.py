"""What the policy says of one request: whether it is looked at, who it is listed as, what becomes of its matches."""

from __future__ import annotations

import time
from collections.abc import Sequence

from collector.detect import client_address
from collector.detect.ruleset import Match
from collector.detect.settings import Network
from collector.model import Action, Finding, Process, Verdict
from collector.policy.compiled import Compiled
from collector.policy.lists import Listed, numbered
from collector.wire.agent import RequestRecord, VerdictFinding

CATEGORY = "policy"
PAST = {"": ("policy-past", "Refused by a policy of then"), "app": ("policy-app", "Refused by the app itself")}
NAMES = {
    "address": "An address that is refused",
    "user": "A user who is refused",
    "session": "A session that is refused",
}


class Ruling:
    """Made once for each question; costs nothing while the policy lists nobody."""

    def __init__(
        self, policy: Compiled, record: RequestRecord, process: Process, trusted: Sequence[Network], mode: str = ""
    ) -> None:
        self._policy, self._record, self._service, self._mode = policy, record, process.service, mode
        self.bypassed = self.allowed = self._suspicious = False
        self.listed: Listed | None = None
        if policy.has_lists:
            self._look_up(trusted)

    def _look_up(self, trusted: Sequence[Network]) -> None:
        record, policy, now = self._record, self._policy, time.time_ns()
        address, _ = client_address.resolve(record.peer.address, record.headers, trusted)
        number, user = numbered(address), record.user
        who = (number, user.id, user.login, user.session_id) if user else (number, "", "", "")
        self.bypassed = policy.bypassed(number, record.path, now)
        self.allowed = policy.allowed(*who, now)
        self._suspicious = policy.suspicious(*who, now)
        self.listed = None if self.allowed else policy.refused(*who, now)

    def kept(self, matches: Sequence[Match]) -> list[Match]:
        """Without those that an exclusion takes out."""
        return [match for match in matches if self._action(match) != "off"]

    def stops(self, match: Match) -> bool:
        """Whether this match alone refuses the request."""
        action = self._action(match)
        if self.allowed or action == "monitor":
            return False
        return self._suspicious or action == "block" or (match.rule.block and self._mode == "block")

    def _action(self, match: Match) -> str:
        rule, record = match.rule, self._record
        return self._policy.action(rule.id, rule.category, self._service, record.path, match.input.parameter)

    def word(self) -> VerdictFinding | None:
        """What the verdict says of a request of somebody who is listed."""
        return VerdictFinding(f"policy-{self.listed.kind}", CATEGORY) if self.listed else None

    def past(self) -> Finding | None:
        """What stands in the trace of a request that was refused although nothing is found in it: by the app itself, or
        for an entry that has expired or was taken away since."""
        blocked = self._record.blocked
        if blocked is None:
            return None
        rule, name = PAST["app" if blocked.where == "app" else ""]
        return Finding(rule, name, CATEGORY, Verdict.ATTEMPTED, (), Action.BLOCKED)

    def finding(self) -> Finding | None:
        """What stands in the trace of a request that was refused for who made it."""
        blocked = self._record.blocked
        if self.listed is None or blocked is None or blocked.where not in ("request", "user"):
            return None
        kind, entry = self.listed.kind, self.listed.entry
        return Finding(
            f"policy-{kind}", NAMES[kind], CATEGORY, Verdict.ATTEMPTED, (), Action.BLOCKED, kind, "", entry.subject,
            entry.subject, statement=entry.reason,
        )  # fmt: skip
