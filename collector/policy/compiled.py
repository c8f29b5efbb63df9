"""A policy made ready for requests: immutable, so that a request sees one version from its beginning to its end."""

from __future__ import annotations

from typing import Literal

from collector.policy.countries import Country
from collector.policy.counts import Counts
from collector.policy.document import Entry, Policy, Rule
from collector.policy.limits import Limits
from collector.policy.lists import Listed, Lists, Number

Action = Literal["", "off", "monitor", "block"]


class Compiled:
    """What is asked of a policy while a request is judged. `counts`: where requests are counted for its limits, a table
    that outlives it; without one it makes its own. `country` tells an address's; without it no entry for a country
    fits. `limits` is None where there are none."""

    def __init__(
        self, policy: Policy | None = None, counts: Counts | None = None, country: Country | None = None
    ) -> None:
        self.policy = policy or Policy()
        self._services = {one.service: one.mode for one in self.policy.services}
        self._block, self._allow = Lists(self.policy.block, country), Lists(self.policy.allow, country)
        self._suspicious = Lists(self.policy.suspicious, country)
        self._bypass = Lists(Entry(text) for text in self.policy.bypass if not text.startswith("/"))
        self._paths = tuple(text for text in self.policy.bypass if text.startswith("/"))
        self._rules = self.policy.rules
        self.has_lists = bool(self._block or self._allow or self._suspicious or self._bypass or self._paths)
        """Whether anybody is listed for anything."""
        self.limits = Limits(self.policy.limits, counts or Counts()) if self.policy.limits else None

    @property
    def version(self) -> int:
        return self.policy.version

    @property
    def lists(self) -> bool:
        """Whether something is refused in monitor mode, too."""
        return bool(self._block) or bool(self._suspicious) or any(rule.action == "block" for rule in self._rules)

    @property
    def users(self) -> bool:
        """Whether users or sessions are listed."""
        return self._block.has_names or self._suspicious.has_names

    def asks(self, service: str) -> bool:
        """Whether something of a service is refused in monitor mode, too: by the lists, or by a limit of its own."""
        return self.lists or any(one.limit.refuses for one in (self.limits.of(service) if self.limits else ()))

    def asks_routes(self, service: str) -> bool:
        """Whether a limit of this service that refuses waits for the route."""
        found = self.limits.of(service) if self.limits else ()
        return any(one.limit.refuses and one.routes is not None for one in found)

    def asks_users(self, service: str) -> bool:
        """Whether who a user or a session is may refuse a request of this service."""
        found = self.limits.of(service) if self.limits else ()
        return self.users or any(one.limit.refuses and one.limit.key != "address" for one in found)

    def mode(self, service: str) -> str:
        """The mode of a service; empty leaves it to the app."""
        return self._services.get(service, self.policy.mode)

    def bypassed(self, address: Number, path: str, now: int) -> bool:
        """Whether a request is not looked at."""
        if self._paths and path.startswith(self._paths):
            return True
        return bool(self._bypass) and self._bypass.find(address, "", "", "", now) is not None

    def refused(self, address: Number, user: str, login: str, session: str, now: int) -> Listed | None:
        """The entry for which a request is refused."""
        return self._block.find(address, user, login, session, now)

    def allowed(self, address: Number, user: str, login: str, session: str, now: int) -> bool:
        """Whether a request is never refused."""
        return bool(self._allow) and self._allow.find(address, user, login, session, now) is not None

    def suspicious(self, address: Number, user: str, login: str, session: str, now: int) -> bool:
        """Whether every match refuses."""
        return bool(self._suspicious) and self._suspicious.find(address, user, login, session, now) is not None

    def action(self, rule_id: str, category: str, service: str, path: str, parameter: str) -> Action:
        """What becomes of a match; empty: what the rule itself says."""
        if not self._rules:
            return ""
        names = (rule_id, category, "*")
        return next((r.action for r in self._rules if r.rule in names and _fits(r, service, path, parameter)), "")

    def may_block(self, rule_id: str, category: str, service: str) -> bool:
        """Whether some match of a rule refuses in this service."""
        names = (rule_id, category, "*")
        return any(r.action == "block" and r.rule in names and r.service in ("", service) for r in self._rules)


def _fits(rule: Rule, service: str, path: str, parameter: str) -> bool:
    return (
        rule.service in ("", service) and path.startswith(rule.path) and rule.parameter in ("", parameter)
    )  # fmt: skip
