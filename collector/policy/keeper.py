"""The policy in force: changed by commands and by a file, kept on disk with its forerunners, told to who judges."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog
from msgspec import Struct
from msgspec.structs import replace

from collector import whole
from collector.policy.document import Entry, Policy, PolicyError, check, encode, now, parse, subject_of

MAX_AUTOMATIC = 10_000
"""Entries of a list that came by themselves; of more the ones that end first go."""

LISTS = ("block", "allow", "suspicious")
KEPT = 20
"""Versions that can be gone back to."""

FOREVER = datetime.max.replace(tzinfo=UTC)

log = structlog.get_logger()


class Past(Struct, frozen=True):
    """A version that was in force: since when (ns since the epoch), and its size."""

    version: int
    time: int
    size: int


class Keeper:
    """`directory` is the policy's own. `on_change` is called with every new policy; `problem` says why the last
    change that somebody wanted was refused, empty after one that was not. `countries`: whether it can be told which
    country an address is of."""

    def __init__(self, directory: Path, countries: bool = False) -> None:
        self._countries = countries
        self._directory = directory
        self.on_change: Callable[[Policy], None] = lambda policy: None
        self.problem = ""
        self._automatic = False
        self.policy = self._last()
        if unknown := sorted(_countries(self.policy)) if not countries else []:
            log.error(
                "policy.country_database is not set: what the policy says of countries counts for nobody", of=unknown
            )

    def apply(self, policy: Policy, source: str) -> Policy:
        """Put a document in force, in place of the one before; what commands added stays. Raises PolicyError."""
        kept = {key: (*getattr(policy, key), *self._kept(key, getattr(policy, key))) for key in LISTS}
        return self._change(replace(policy, **kept), source)

    def add(self, key: str, subject: str, reason: str, expires: datetime | None) -> Policy:
        """Block or allow somebody; who was listed so before gets the new reason and time. Raises PolicyError."""
        subject_of(subject)
        entry = Entry(subject, reason, now(), expires, True)
        others = [one for one in getattr(self.policy, key) if one.subject != subject and _lasts(one)]
        return self._change(replace(self.policy, **{key: (*others, entry)}), f"{key} {subject}")

    def add_all(self, entries: Sequence[tuple[str, Entry]]) -> int:
        """List for a time who was found by itself; how many found no room. What a person said of somebody stands. Such
        a version takes the place of one before it that came about so, too: people's stay to go back to."""
        lists, left_out = dict[str, tuple[Entry, ...]](), 0
        for key in dict.fromkeys(key for key, _ in entries):
            known: tuple[Entry, ...] = getattr(self.policy, key)
            said = [one for one in known if not one.automatic]
            names = {one.subject for one in said if _lasts(one)}
            found = {one.subject: one for one in known if one.automatic and _lasts(one)}
            found |= {one.subject: one for which, one in entries if which == key and one.subject not in names}
            left = sorted(found.values(), key=lambda one: one.expires or FOREVER)[-MAX_AUTOMATIC:]
            left_out += len(found) - len(left)
            lists[key] = (*said, *left)
        self._change(replace(self.policy, **lists), "attack waves and rate limits", automatic=True)
        return left_out

    def remove(self, subject: str) -> Policy:
        """Take somebody off all lists; raises PolicyError where nobody is listed so."""
        subject_of(subject)
        left = {key: tuple(one for one in getattr(self.policy, key) if one.subject != subject) for key in LISTS}
        if all(len(left[key]) == len(getattr(self.policy, key)) for key in left):
            raise PolicyError(f"'{subject}' is not listed")
        return self._change(replace(self.policy, **left), f"unblock {subject}")

    def roll_back(self, version: int = 0) -> Policy:
        """Put an earlier version in force again, as a new one; without a version the one before. Raises PolicyError."""
        known = [past.version for past in self.history() if past.version != self.policy.version]
        wanted = version or max(known, default=0)
        if wanted not in known:
            raise PolicyError(f"version {wanted} is not kept; kept are {', '.join(map(str, known)) or 'none'}")
        return self._change(self._read(wanted), f"rollback to {wanted}")

    def history(self) -> list[Past]:
        """The versions that are kept, the latest first."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for path in self._directory.glob("*.json"):
                state = path.stat()
                if path.stem.isdigit():
                    found.append(Past(int(path.stem), state.st_mtime_ns, state.st_size))
        return sorted(found, key=lambda past: past.version, reverse=True)

    def refuse(self, reason: str) -> None:
        """Somebody wanted a change that cannot be."""
        if reason != self.problem:
            log.error("the policy stays as it is", reason=reason, version=self.policy.version)
        self.problem = reason

    def _kept(self, key: str, new: Sequence[Entry]) -> list[Entry]:
        """What commands added, as far as the new document does not say it itself."""
        names = {one.subject for one in new}
        return [one for one in getattr(self.policy, key) if one.command and _lasts(one) and one.subject not in names]

    def _change(self, policy: Policy, source: str, automatic: bool = False) -> Policy:
        policy = replace(policy, version=self.policy.version + 1)
        check(policy)
        if not self._countries and (new := sorted(_countries(policy) - _countries(self.policy))):
            raise PolicyError(f"'{new[0]}': no database of countries is configured; see policy.country_database")
        self._write(policy)
        if automatic and self._automatic:
            with contextlib.suppress(OSError):
                (self._directory / f"{self.policy.version}.json").unlink()
        self._automatic = automatic
        self.policy, self.problem = policy, ""
        log.warning("the policy is changed", version=policy.version, source=source, blocked=len(policy.block))
        self.on_change(policy)
        return policy

    def _last(self) -> Policy:
        """The latest version on disk that can be read; none is the empty policy."""
        for past in self.history():
            with contextlib.suppress(PolicyError, OSError):
                return self._read(past.version)
            log.error("a kept policy cannot be read", version=past.version)
        return Policy()

    def _read(self, version: int) -> Policy:
        path = self._directory / f"{version}.json"
        try:
            return parse(path.read_bytes(), path.name)
        except OSError as error:
            raise PolicyError(f"{path}: {error.strerror}") from None

    def _write(self, policy: Policy) -> None:
        """All of it or nothing of it; a disk that takes nothing refuses the change."""
        path = self._directory / f"{policy.version}.json"
        try:
            whole.write(path, encode(policy))
        except OSError as error:
            raise PolicyError(f"{path}: {error.strerror}") from None
        for past in self.history()[KEPT:]:
            with contextlib.suppress(OSError):
                (self._directory / f"{past.version}.json").unlink()


def _countries(policy: Policy) -> set[str]:
    found = (one.subject for key in LISTS for one in getattr(policy, key))
    return {subject for subject in found if subject.startswith("country:")}


def _lasts(entry: Entry) -> bool:
    return entry.expires is None or entry.expires > now()
