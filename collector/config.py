"""The configuration: one TOML file, one struct for each section, every setting with its meaning and its limits.

The descriptions here are the documentation: docs/configuration.md is made from them (`cowitness config --docs`).
What counts: a flag, else the environment, else the file, else the default.
"""

from __future__ import annotations

import difflib
import grp
import ipaddress
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import FieldInfo, fields

from collector import enforcement_settings
from collector.behaviour.settings import BehaviourSettings
from collector.correlate.settings import FloodSettings
from collector.detect.settings import DetectSettings, check
from collector.enforcement_settings import EnforcementSettings, PolicySettings
from collector.policy.settings import PolicySettings as ProtectionSettings
from collector.refusal.settings import ResponseSettings

MAX_FILE = 1 << 20
"""Bytes of a configuration file; nobody writes more by hand."""

DEFAULT_RUN_DIR = "/run/cowitness"
MAX_SENSITIVE_PATH = 63
"""Bytes that the probes' kernel map holds of a path (probes/bpf/files.c)."""

SensitivePath = Annotated[str, Meta(pattern="^/", max_length=MAX_SENSITIVE_PATH)]


class ConfigError(Exception):
    """Why the configuration cannot stand, in words for the person who wrote it."""


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


Overrides = Mapping[str, Mapping[str, Any]]


def load(path: Path | None, overrides: Overrides | None = None) -> Settings:
    """Read a file (or take the defaults) and lay `overrides` ({section: {key: value}}) over it; raises ConfigError."""
    settings = parse(_read(path), str(path)) if path else _convert({}, "defaults")
    if not overrides:
        return settings
    data = msgspec.to_builtins(settings)
    for section, values in overrides.items():
        data.setdefault(section, {}).update(values)
    return _convert(data, "command line")


def parse(text: str, name: str) -> Settings:
    """Settings from TOML; `name` stands in errors. Raises ConfigError."""
    try:
        return _convert(tomllib.loads(text), name)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deep") from error


def _convert(data: dict[str, Any], name: str) -> Settings:
    """Check names, types, ranges, and what goes beyond them."""
    try:
        _check_keys(data)
        settings = msgspec.convert(data, Settings)
        _check_values(settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {_named(str(error))}") from error
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
    return settings


def _named(message: str) -> str:
    """msgspec puts the place last ("... - at `$.store.retention_days`"); people look for it first."""
    what, _, place = message.rpartition(" - at `$.")
    return f"{place.rstrip('`')}: {what.replace('`', '')}" if what else message


def documentation() -> str:
    """docs/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "`cowitness up --config FILE` reads one TOML file; without it the defaults below stand. An unknown section or",
        "key, or a value out of its range, is an error. A flag goes before the environment, the environment before the",
        "file. `cowitness config` prints what is in force. This page is made by `cowitness config --docs`.",
    ]
    for section in fields(Settings):
        lines += _chapter(f"[{section.name}]", section.type)
    lines += _chapter("[[enforcement.policies]]", PolicySettings)
    return "\n".join(lines) + "\n"


def _chapter(title: str, kind: type[Struct]) -> list[str]:
    head = ["", f"## {title}", "", (kind.__doc__ or "").splitlines()[0], "", "| key | default | meaning |"]
    return [*head, "|---|---|---|", *(_row(info) for info in fields(kind))]


def _row(info: FieldInfo) -> str:
    meta: Meta = info.type.__metadata__[0]
    default = "" if info.default is msgspec.NODEFAULT else msgspec.json.encode(info.default).decode()
    limits = f" ({meta.ge:,} to {meta.le:,})" if meta.ge is not None and meta.le is not None else ""
    return f"| `{info.name}` | `{default or '-'}` | {meta.description}{limits} |"


def to_toml(settings: Settings) -> str:
    """The settings as a file that `load` reads. JSON's numbers, booleans and arrays are TOML's too."""
    lines: list[str] = []
    for section, values in msgspec.to_builtins(settings).items():
        lines += [f"[{section}]", *(f"{key} = {toml_value(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return _toml_text(value) if isinstance(value, str) else json.dumps(value)


def _toml_text(text: str) -> str:
    """Whatever a terminal would obey or hide is spelled out."""
    plain = (c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{"".join(plain)}"'


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise ConfigError(f"{path}: larger than {MAX_FILE} bytes")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text") from error
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def _check_keys(data: dict[str, Any]) -> None:
    """Name what is unknown, and what was perhaps meant."""
    sections = {info.name: info.type for info in fields(Settings)}
    for section, values in data.items():
        if section not in sections:
            raise ValueError(f"there is no section [{section}]{_meant(section, list(sections))}")
        if not isinstance(values, dict):
            raise ValueError(f"[{section}] must be a section")
        known = [info.name for info in fields(sections[section])]
        for key in values:
            if key not in known:
                raise ValueError(f"there is no setting {section}.{key}{_meant(key, known)}")


def _meant(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"


def _check_values(settings: Settings) -> None:
    """What the types cannot refuse; raises ValueError."""
    try:
        check(settings.detect)
    except ValueError as error:
        raise ValueError(f"detect.{error}") from None
    _check_response(settings.response)
    if settings.policy.country_database:
        _check_countries(settings.policy.country_database)
    ring = settings.probes.ring_bytes
    if ring & (ring - 1):
        raise ValueError(f"probes.ring_bytes: {ring} is not a power of two")
    enforcement_settings.check(settings.enforcement.policies)
    if settings.metrics.listen:
        listen_address(settings.metrics.listen)
    if settings.inspector.listen:
        host, _ = listen_address(settings.inspector.listen, "inspector.listen")
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"inspector.listen: {host} is not a loopback address")
    if settings.api.group:
        _check_group(settings.api.group)


def _check_countries(path: str) -> None:
    from collector.policy.countries import opened

    try:
        opened(path)
    except ValueError as error:
        raise ValueError(f"policy.country_database: {error}") from None


def _check_response(settings: ResponseSettings) -> None:
    if settings.html_template or settings.json_template:
        from collector.refusal.loading import read  # as above: who only reads the types needs no log

        try:
            read(settings)
        except ValueError as error:
            raise ValueError(f"response.{error}") from None


def _check_group(name: str) -> None:
    try:
        grp.getgrnam(name)
    except KeyError:
        raise ValueError(f"api.group: there is no group '{name}' on this host") from None


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
