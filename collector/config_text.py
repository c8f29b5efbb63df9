"""The configuration as text: its documentation, and a file that says what is in force."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo, fields

from collector.enforcement_settings import PolicySettings
from collector.settings import Settings


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
