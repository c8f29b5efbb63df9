"""What the policy says of one request: whether it is looked at, who it is listed as, what becomes of its matches."""

from __future__ import annotations

import time
from collections.abc import Sequence

from collector.detect import client_address
from collector.detect.ruleset import Match
from collector.detect.settings import Network
from collector.model import Action, Finding, Process, Verdict
from collector.policy.compiled import Compiled
from collector.policy.counts import retry_after
from collector.policy.limits import Exceeded, Ready, counted
from collector.policy.lists import Listed, numbered
from collector.wire.agent import RequestRecord, UserRecord, VerdictFinding
from collector.wire.agent import Verdict as WireVerdict

CATEGORY = "policy"
LIMIT, LIMIT_CATEGORY = "policy-limit", "rate_limit"
REFUSED, TOO_MANY = 403, 429
LISTED = ("request", "user", "response")
"""Where somebody is refused for who it is."""

LIMITED = (*LISTED, "route")
PAST = {"": ("policy-past", "Refused by a policy of then"), "app": ("policy-app", "Refused by the app itself")}
NAMES = {
    "address": "An address that is refused",
    "user": "A user who is refused",
    "session": "A session that is refused",
    "country": "A country that is refused",
}


class Ruling:
    """Made once for each question; costs nothing while the policy lists nobody."""

    def __init__(
        self, policy: Compiled, record: RequestRecord, process: Process, trusted: Sequence[Network], mode: str = ""
    ) -> None:
        self._policy, self._record, self._service, self._mode = policy, record, process.service, mode
        self.bypassed = self.allowed = self._suspicious = False
        self.listed: Listed | None = None
        self.exceeded: Exceeded | None = None
        limits = policy.limits.of(self._service) if policy.limits else ()
        if limits or policy.has_lists:
            self._look_up(trusted, limits)

    def _look_up(self, trusted: Sequence[Network], limits: Sequence[Ready]) -> None:
        address, _ = client_address.resolve(self._record.peer.address, self._record.headers, trusted)
        if self._policy.has_lists:
            self._look_up_lists(address)
        if limits and not (self.bypassed or self.allowed or self.listed):
            self.exceeded = self._count(limits, address)

    def _look_up_lists(self, address: str) -> None:
        record, policy, now = self._record, self._policy, time.time_ns()
        number, user = numbered(address), record.user
        who = (number, user.id, user.login, user.session_id) if user else (number, "", "", "")
        self.bypassed = policy.bypassed(number, record.path, now)
        self.allowed = policy.allowed(*who, now)
        self._suspicious = policy.suspicious(*who, now)
        self.listed = None if self.allowed else policy.refused(*who, now)

    def _count(self, limits: Sequence[Ready], address: str) -> Exceeded | None:
        """Tasks out of a queue are nobody's requests."""
        record, user = self._record, self._record.user or UserRecord()
        if record.messaging is not None or self._policy.limits is None:
            return None
        who = {"address": counted(address), "user": user.id or user.login, "session": user.session_id}
        return self._policy.limits.exceeded(limits, record.request_id, record.path, who, record.route)

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

    def refusal(self) -> WireVerdict | None:
        """The verdict on a request of somebody who is listed, or who asks too often."""
        name, found = self._record.request_id, self.exceeded
        if self.listed is not None:
            return WireVerdict("block", REFUSED, name, [VerdictFinding(f"policy-{self.listed.kind}", CATEGORY)])
        if found is not None and found.limit.refuses:
            headers = [("Retry-After", retry_after(found.wait))]
            return WireVerdict(
                "block", TOO_MANY, name, [VerdictFinding(LIMIT, LIMIT_CATEGORY, found.limit.name)], headers
            )
        return None

    def past(self) -> Finding | None:
        """What stands in the trace of a request that was refused although nothing is found in it: by the app itself, or
        for an entry that has expired or was taken away since."""
        blocked = self._record.blocked
        if blocked is None:
            return None
        rule, name = PAST["app" if blocked.where == "app" else ""]
        return Finding(rule, name, CATEGORY, Verdict.ATTEMPTED, (), Action.BLOCKED)

    def finding(self) -> Finding | None:
        """What stands in the trace of a request that was refused for who made it, or that is beyond a limit."""
        blocked = self._record.blocked
        if self.exceeded is not None:
            return self._of_limit(self.exceeded, blocked is not None and blocked.where in LIMITED)
        if self.listed is None or blocked is None or blocked.where not in LISTED:
            return None
        kind, entry = self.listed.kind, self.listed.entry
        return Finding(
            f"policy-{kind}", NAMES[kind], CATEGORY, Verdict.ATTEMPTED, (), Action.BLOCKED, kind, "", entry.subject,
            entry.subject, statement=entry.reason,
        )  # fmt: skip

    def _of_limit(self, found: Exceeded, stopped: bool) -> Finding:
        limit = found.limit
        action = Action.BLOCKED if stopped and limit.refuses else Action.MONITORED
        text = f"more than {limit.requests:,} requests in {limit.seconds:,} s, by the limit {limit.name}"
        who = found.who if limit.key == "address" else f"{limit.key}:{found.who}"
        return Finding(
            LIMIT, "More requests than a limit allows", LIMIT_CATEGORY, Verdict.ATTEMPTED, (), action, limit.key,
            limit.name, who, statement=text,
        )  # fmt: skip
