"""Which policies are in force, for which processes, and the switch that turns them off at once.

Policies come from the configuration; the switch (`cowitness enforce`) caps them, and outlives a restart: what was
turned off stays off. The probes hold everything in the kernel; probes that do not answer are ended, and with them ends
whatever they enforced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from collector import whole
from collector.core.probe_source import ProbeSource
from collector.enforcement_settings import EnforcementSettings, PolicySettings, policy_of
from probes.vocabulary import MODES, Enforce, KernelEvent, Mode

PATIENCE = 1.0
"""Seconds that the probes have to answer."""

LOGGED = 20
"""Decisions outside of requests that are logged between two looks (`breathe`); the rest is counted."""

log = structlog.get_logger()


class Enforcement:
    """`service` names the service of a process; `end_probes` ends the probe process. The switch is kept at `path`."""

    def __init__(
        self, settings: EnforcementSettings, probes: ProbeSource, service: Callable[[int], str], path: Path,
        end_probes: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._settings, self._probes, self._service, self._path = settings, probes, service, path
        self._end_probes = end_probes
        self._logged = 0
        self._switch = read_switch(path)
        probes.policy, probes.enforce = self.policy, self.wanted

    @property
    def mode(self) -> Mode:
        """What is in force: the lower of the configuration's mode and the switch."""
        return min(self._settings.mode, self._switch, key=MODES.index)

    @property
    def policies(self) -> tuple[PolicySettings, ...]:
        return self._settings.policies

    @property
    def reason(self) -> str:
        """Why something of it is not in force; empty where all is."""
        return self._probes.explanation() or self._probes.unenforced

    def wanted(self) -> Enforce:
        """What the probes are told."""
        return Enforce(self.mode, [policy_of(one) for one in self._settings.policies])

    def policy(self, pid: int) -> str:
        """The policy of a process, by its service: the first that names it, else the first that names all."""
        service = self._service(pid)
        named = [one.name for one in self._settings.policies if service and one.service == service]
        return next(iter(named or [one.name for one in self._settings.policies if one.service == "*"]), "")

    async def switch(self, mode: Mode) -> None:
        """Turn it, and return when the kernel has it so."""
        self._switch = mode
        log.warning("enforcement is switched", switch=mode, mode=self.mode)
        write_switch(self._path, mode)
        if self._probes.connected and not await self._probes.tell_enforce(PATIENCE):
            log.error("the probes do not answer: they are ended, and with them what they enforced")
            self._end_probes()

    def heard(self, events: Iterable[KernelEvent]) -> None:
        """Log decisions that belong to no request: no trace tells of them."""
        for event in events:
            if event.kind != "decision" or event.request_id:
                continue
            self._logged += 1
            if self._logged <= LOGGED:
                log.warning(
                    "a policy decided", policy=event.policy, enforced=event.enforced, operation=event.operation,
                    path=event.path, address=event.address, port=event.port, pid=event.pid, comm=event.comm,
                )  # fmt: skip

    def breathe(self) -> None:
        """A while has passed: decisions may be logged again."""
        if self._logged > LOGGED:
            log.warning("more decisions than were logged", count=self._logged - LOGGED)
        self._logged = 0


def read_switch(path: Path) -> Mode:
    """What was switched last; "enforce" (no cap) where nothing was. What cannot be understood counts as off."""
    try:
        text = path.read_text().strip()
    except FileNotFoundError:
        return "enforce"
    except (OSError, ValueError):
        return "off"
    return next((mode for mode in MODES if mode == text), "off")


def write_switch(path: Path, mode: Mode) -> None:
    """Keep it; a full disk does not stop the switch itself."""
    with contextlib.suppress(OSError):
        whole.write(path, f"{mode}\n".encode())
