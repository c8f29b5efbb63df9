"""The configuration: one TOML file is read, laid under the command line's flags and checked, beyond what types can say.

What counts: a flag, else the environment, else the file, else the default.
"""

from __future__ import annotations

import difflib
import grp
import ipaddress
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import fields

from collector import enforcement_settings, whole
from collector.detect.settings import check
from collector.refusal.settings import ResponseSettings
from collector.settings import Settings, listen_address

MAX_FILE = 1 << 20
"""Bytes of a configuration file; nobody writes more by hand."""


class ConfigError(Exception):
    """Why the configuration cannot stand, in words for the person who wrote it."""


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


def _read(path: Path) -> str:
    try:
        return whole.text(path, MAX_FILE)
    except ValueError as error:
        raise ConfigError(str(error)) from None


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
