"""The configuration's shape: one struct for each section, every setting with its meaning and its limits.

The descriptions here are the documentation: docs/configuration.md is made from them (`cowitness config --docs`).
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from collector.behaviour.settings import BehaviourSettings
from collector.correlate.settings import FloodSettings
from collector.detect.settings import DetectSettings
from collector.enforcement_settings import EnforcementSettings
from collector.policy.settings import PolicySettings as ProtectionSettings
from collector.refusal.settings import ResponseSettings

DEFAULT_RUN_DIR = "/run/cowitness"
MAX_SENSITIVE_PATH = 63
"""Bytes that the probes' kernel map holds of a path (probes/bpf/files.c)."""

SensitivePath = Annotated[str, Meta(pattern="^/", max_length=MAX_SENSITIVE_PATH)]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all sections: a key that is not known is an error."""


class PathSettings(Section, frozen=True):
    """Where things are."""

    run_dir: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=4096,
            description="The sockets. `--run-dir` and `$COWITNESS_RUN_DIR` go before it; without any of them "
            f"`{DEFAULT_RUN_DIR}`. At most 96 bytes, since a Unix socket's path may have 107.",
        ),
    ] = field(default_factory=lambda: os.environ.get("COWITNESS_RUN_DIR") or DEFAULT_RUN_DIR)
    state_dir: Annotated[
        str, Meta(min_length=1, max_length=4096, description="What must outlive a restart: the store.")
    ] = "/var/lib/cowitness"


class LogSettings(Section, frozen=True):
    """What the daemon says of itself, on standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least important message shown.")
    ] = "info"
    format: Annotated[
        Literal["auto", "json", "console"], Meta(description="`auto` is console on a terminal, JSON elsewhere.")
    ] = "auto"


class InspectorSettings(Section, frozen=True):
    """The processes that read what agents send, and judge it."""

    workers: Annotated[
        int, Meta(ge=0, le=64, description="How many; 0 means one on a single processor and two on more.")
    ] = 0
    max_connections: Annotated[int, Meta(ge=16, le=65536, description="Connections of agents, per inspector.")] = 8192
    nice: Annotated[
        int,
        Meta(
            ge=-20,
            le=19,
            description="Their nice value where the daemon may set it (root): apps in block mode wait for their "
            "verdicts, on a busy machine, too.",
        ),
    ] = -10
    listen: Annotated[
        str,
        Meta(
            max_length=300,
            description="Loopback IP address and port for agents of systems without Unix sockets; empty turns it off. "
            "They need the token in `agent.token` of the run directory. Nothing tells their process: the kernel side "
            "does not watch it.",
        ),
    ] = ""


class CorrelateSettings(Section, frozen=True):
    """Joining what the app said and what the kernel saw."""

    window_seconds: Annotated[
        int, Meta(ge=1, le=3600, description="How long a request's kernel events wait for the app's word, and after.")
    ] = 60
    max_requests: Annotated[int, Meta(ge=100, le=1_000_000, description="Requests remembered at a time.")] = 20_000
    max_events_per_trace: Annotated[
        int, Meta(ge=8, le=10_000, description="Kernel events kept of one request; the rest is counted.")
    ] = 512


class StoreSettings(Section, frozen=True):
    """The embedded store."""

    retention_days: Annotated[int, Meta(ge=1, le=3650, description="Older traces and logins are deleted.")] = 30
    max_megabytes: Annotated[
        int, Meta(ge=16, le=1_048_576, description="Above this size the oldest records are deleted.")
    ] = 1024


class ProbeSettings(Section, frozen=True):
    """The kernel side."""

    enabled: Annotated[bool, Meta(description="Whether to start the probes (`--no-probes` turns them off).")] = True
    ring_bytes: Annotated[
        int, Meta(ge=65536, le=1 << 28, description="The kernel's buffer for events: a power of two.")
    ] = 8 << 20
    cache_dir: Annotated[
        str,
        Meta(
            max_length=4096,
            description="Compiled BPF programs, so that only the first start on a kernel compiles. It counts where "
            "only the daemon's user may write; empty keeps nothing.",
        ),
    ] = "/var/cache/cowitness"
    sensitive_paths: Annotated[
        tuple[SensitivePath, ...],
        Meta(
            max_length=200,
            description="Further files whose opening is told, whoever opens them: absolute paths of at most "
            f"{MAX_SENSITIVE_PATH} bytes.",
        ),
    ] = ()


class MetricsSettings(Section, frozen=True):
    """Prometheus metrics."""

    listen: Annotated[
        str,
        Meta(
            max_length=300,
            description="IP address and port (`[::1]:9464` for IPv6) of the HTTP endpoint `/metrics`; empty turns it "
            "off. It has no log-in: keep it on loopback.",
        ),
    ] = "127.0.0.1:9464"


class ApiSettings(Section, frozen=True):
    """The gRPC API on `api.sock` in the run directory."""

    group: Annotated[
        str,
        Meta(
            max_length=256,
            description="The group that may use the API besides the daemon's user, the switch of enforcement with it.",
        ),
    ] = ""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration."""

    paths: PathSettings = field(default_factory=PathSettings)
    log: LogSettings = LogSettings()
    inspector: InspectorSettings = InspectorSettings()
    detect: DetectSettings = DetectSettings()
    response: ResponseSettings = ResponseSettings()
    policy: ProtectionSettings = ProtectionSettings()
    correlate: CorrelateSettings = CorrelateSettings()
    floods: FloodSettings = FloodSettings()
    behaviour: BehaviourSettings = BehaviourSettings()
    store: StoreSettings = StoreSettings()
    probes: ProbeSettings = ProbeSettings()
    enforcement: EnforcementSettings = EnforcementSettings()
    metrics: MetricsSettings = MetricsSettings()
    api: ApiSettings = ApiSettings()

    @property
    def run_dir(self) -> Path:
        return Path(self.paths.run_dir).absolute()

    @property
    def state_dir(self) -> Path:
        return Path(self.paths.state_dir).absolute()


def listen_address(text: str, setting: str = "metrics.listen") -> tuple[str, int]:
    """Address and port of a setting; raises ValueError."""
    address, _, port = text.rpartition(":")
    address = address.removeprefix("[").removesuffix("]")
    address = "127.0.0.1" if address == "localhost" else address
    try:
        ipaddress.ip_address(address)
        if port.isdecimal() and port.isascii() and 0 < int(port) < 65536:
            return address, int(port)
    except ValueError:
        pass
    raise ValueError(f"{setting}: '{text}' is not an IP address and a port, such as 127.0.0.1:9464")
