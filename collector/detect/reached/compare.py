"""One operation against the inputs of its request."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from collector.detect.inputs import Input
from collector.detect.reached import files, shell, sql, url
from collector.wire.agent import OperationRecord

MAX_COMPARISONS = 256
"""Inputs compared with one operation, the longest first: each comparison is linear in the operation's text."""

MIN_LENGTH = 2


class Kind(Struct, frozen=True):
    """What a reached operation of this kind is called."""

    rule_id: str
    rule_name: str
    category: str
    tags: tuple[str, ...]


SQL = Kind("sqli-100", "Input is code in a statement", "sql_injection", ("CWE-89", "CAPEC-66", "T1190"))
SHELL = Kind("cmdi-100", "Input is code in a command", "command_injection", ("CWE-78", "CAPEC-88", "T1059"))
FILE = Kind("path-100", "Input chose the opened file", "path_traversal", ("CWE-22", "CAPEC-126", "T1083"))
URL = Kind("ssrf-100", "Input chose an internal host", "ssrf", ("CWE-918", "CAPEC-664", "T1090"))
KINDS = {"sql": SQL, "shell": SHELL, "argv": SHELL, "file": FILE, "url": URL}


class Reach(Struct, frozen=True):
    """An input that stands as code in an operation."""

    kind: Kind
    input: Input
    operation: OperationRecord
    part: str


def reaches(inputs: Sequence[Input], operation: OperationRecord) -> list[Reach]:
    """The inputs that this operation carries as code."""
    kind = KINDS.get(operation.kind)
    if kind is None or (operation.kind == "sql" and not operation.text):
        return []
    found = []
    for item in candidates(inputs, operation):
        if part := _part(item.value, operation):
            found.append(Reach(kind, item, operation, part))
    return found


def candidates(inputs: Sequence[Input], operation: OperationRecord) -> list[Input]:
    """Inputs that occur in the operation at all."""
    text = "\0".join([operation.text, *operation.argv])
    occurring = [item for item in inputs if len(item.value) >= MIN_LENGTH and _core(item.value) in text]
    return sorted(occurring, key=lambda item: -len(item.value))[:MAX_COMPARISONS]


def _core(value: str) -> str:
    return value.partition("\0")[0].strip().removeprefix("file://")


def _part(value: str, operation: OperationRecord) -> str:
    if operation.kind == "sql":
        return sql.reached(value, operation.text, operation.dialect)
    if operation.kind == "shell":
        return shell.reached(value, operation.text)
    if operation.kind == "argv":
        return shell.reached_argv(value, operation.argv, operation.system)
    if operation.kind == "file":
        return files.reached(value, operation.text)
    return url.reached(value, operation.text, operation.resolved)
