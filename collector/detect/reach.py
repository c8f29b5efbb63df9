"""Inputs against operations: which input stands as code in which operation. Work is bounded per request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from collector.detect.inputs import Input
from collector.detect.reached import argv, files, objects, sql, url, within, xml
from collector.detect.reached.python import Source
from collector.detect.reached.template import Template
from collector.wire.agent import OperationRecord

MAX_OPERATIONS = 512
"""Operations of one request that are compared, equal ones once."""

MAX_INPUTS = 512
BUDGET = 16 << 20
"""Characters of operations that are searched for inputs in one request; about 10 ms."""

_NO_WORD = re.compile(r"\W")
_TAILS = {
    "sql": re.compile(r"['\";].{7,}$|--.{6,}$", re.DOTALL),
    "shell": re.compile(r"(?:[;|&`\n]|\$\().{5,}$", re.DOTALL),
    "template": re.compile(r"\{[{%].{6,}$", re.DOTALL),
}
"""Where the part of an input begins that may act by itself: apps take away what stands before it."""

_WORDS_COUNT = frozenset(("argv", "url", "deserialize"))
"""Kinds where a plain word can be enough: a program, a host's name, a name in base64."""

_TARGETS = frozenset(("file", "url", "connect", "deserialize", "xml"))
"""Kinds where the kernel shows what the input means, not how it is spelled."""

_FROM_BYTES = frozenset(("deserialize", "xml"))
"""Kinds that an upload or a whole body may be."""

_ADDRESSES_OF_OURS = frozenset(("referer", "origin"))
"""Headers that name this app itself, which may well ask itself."""


class Kind(Struct, frozen=True):
    """What it is when an input is code in an operation; the rule for where no rule of this category matched."""

    category: str
    rule_id: str
    rule_name: str
    tags: tuple[str, ...]


_ARGUMENT = ("CWE-88", "CAPEC-6", "T1059")
_COMMAND = ("CWE-78", "CAPEC-88", "T1059")
KINDS = {
    "sql": Kind("sql_injection", "sqli-900", "An input is code in a statement", ("CWE-89", "CAPEC-66", "T1190")),
    "shell": Kind("command_injection", "cmdi-900", "An input is code in a shell's command line", _COMMAND),
    "argv": Kind("command_injection", "cmdi-901", "An input decides what a program does", _ARGUMENT),
    "file": Kind("path_traversal", "path-900", "An input leads out of a directory", ("CWE-22", "CAPEC-126", "T1083")),
    "url": Kind("ssrf", "ssrf-900", "An input decides which host is asked", ("CWE-918", "CAPEC-664", "T1090")),
    "code": Kind("code_injection", "code-900", "An input is code that is run", ("CWE-94", "CAPEC-242", "T1059.006")),
    "template": Kind(
        "template_injection", "ssti-900", "An input is code in a template", ("CWE-1336", "CAPEC-242", "T1190")
    ),
    "deserialize": Kind(
        "deserialization", "deser-900", "An input says what to load and call", ("CWE-502", "CAPEC-586", "T1190")
    ),
    "xml": Kind("xxe", "xxe-900", "An input sends a reader of XML outside", ("CWE-611", "CAPEC-221", "T1190")),
    "connect": Kind("ssrf", "ssrf-901", "An input decides whom to connect to", ("CWE-918", "CAPEC-664", "T1090")),
}


class Reached(Struct, frozen=True):
    """An input that is code in an operation; `probe`: what the kernel should show of it."""

    operation: OperationRecord
    kind: Kind
    input: Input
    part: str
    probe: str


def reached(
    operations: Iterable[OperationRecord], items: Sequence[Input], first: Sequence[Input] = (), body: str = ""
) -> list[Reached]:
    """Everything that reached something, in the order of the operations. `first`: inputs that are known to be odd;
    they are looked at before the budget ends. `body`: as it came, for what is read back from bytes."""
    if not (looked_at := list(_distinct(operations))):
        return []
    distinct = dict.fromkeys([*first, *items]) if first else items
    everything = [item for item in distinct if len(item.value) > 1]
    odd = [item for item in everything if _NO_WORD.search(item.value)]
    whole = [Input("body", "", body)] if body else []
    found: list[Reached] = []
    budget = _Budget(BUDGET)
    for operation in looked_at:
        candidates = (everything if operation.kind in _WORDS_COUNT else odd)[:MAX_INPUTS]
        if operation.kind in _FROM_BYTES:
            candidates = candidates + whole
        direct = list(_by_these(operation, candidates, _looker(operation), budget))
        if not direct and (look := _larger(operation)) is not None:
            direct = list(_by_these(operation, odd[:MAX_INPUTS] + whole * _climbs(operation), look, budget))
        found += direct
    return found


class _Budget:
    """Characters that may still be searched."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, size: int) -> bool:
        self._left -= size
        return self._left >= 0


def _by_these(
    operation: OperationRecord, candidates: Iterable[Input], look: Callable[[str], str], budget: _Budget
) -> Iterator[Reached]:
    """The inputs that this look finds in an operation."""
    for item in candidates:
        if not _concerns(operation, item):
            continue
        if not budget.take(len(operation.text) + len(item.value)):
            return
        if part := look(item.value):
            probe, shown = (part, item.value) if operation.kind in _TARGETS else (item.value, part)
            yield Reached(operation, KINDS[operation.kind], item, shown, probe)


def _looker(operation: OperationRecord) -> Callable[[str], str]:
    """What finds an input, or its last part, as code in an operation."""
    look = _whole(operation)
    if operation.kind == "sql":
        may_hold, text = sql.may_hold, operation.text
        return lambda value: look(value) or _tail(operation, value, look) if may_hold(text, value) else ""
    if operation.kind in _TAILS:
        return lambda value: look(value) or _tail(operation, value, look)
    return look


def _tail(operation: OperationRecord, value: str, look: Callable[[str], str]) -> str:
    begun = _TAILS[operation.kind].search(value)
    part = look(begun.group()) if begun and begun.start() else ""
    if part or operation.kind != "sql":
        return part
    return look(end) if (end := sql.end_within(operation.text, value)) else ""


def _distinct(operations: Iterable[OperationRecord]) -> Iterator[OperationRecord]:
    seen = set[tuple[str, str, tuple[str, ...]]]()
    for operation in operations:
        key = (operation.kind, operation.text, tuple(operation.argv))
        if key in seen or len(seen) >= MAX_OPERATIONS:
            continue
        seen.add(key)
        yield operation


def _whole(operation: OperationRecord) -> Callable[[str], str]:
    kind, text = operation.kind, operation.text
    if kind == "sql":
        return sql.Statement(text, operation.dialect).reached
    if kind == "shell":
        return lambda value: argv.reached_line(value, text)
    if kind == "argv":
        return lambda value: argv.reached(value, operation.argv or [text])
    if kind == "file":
        return _of_any(files.reached, operation.argv or [text])
    if kind == "code":
        return Source(text).reached
    if kind == "template":
        return Template(text, operation.dialect).reached
    if kind == "xml":
        return lambda value: xml.reached(value, text)
    if kind == "deserialize":
        return lambda value: objects.reached(value, text)
    if kind == "connect":
        return lambda value: url.connect_reached(value, text) if operation.flags != "unix" else ""
    return lambda value: url.reached(value, text, operation.resolved)


def _larger(operation: OperationRecord) -> Callable[[str], str] | None:
    """What finds an operation in an input that holds more than it; None for kinds of which that says nothing."""
    kind, text = operation.kind, operation.text
    if kind == "shell":
        return lambda value: within.command(value, text)
    if kind == "argv":
        return lambda value: within.arguments(value, operation.argv)
    if kind == "url":
        return lambda value: within.address(value, text, operation.resolved)
    if kind == "file":
        return _of_any(_named, operation.argv or [text])
    return None


def _of_any(look: Callable[[str, str], str], paths: Sequence[str]) -> Callable[[str], str]:
    return lambda value: next(filter(None, (look(value, path) for path in paths)), "")


def _named(value: str, path: str) -> str:
    return within.path(value, path) or within.archive(value, path)


def _climbs(operation: OperationRecord) -> bool:
    """Whether a path leads upwards, as archives may say."""
    return operation.kind == "file" and "/../" in operation.text


def _concerns(operation: OperationRecord, item: Input) -> bool:
    """An app opens the files that its paths name, and asks itself: neither is the visitor's doing."""
    if item.location == "path" and operation.kind == "file":
        return ".." in item.value
    if item.location == "header" and operation.kind in ("url", "connect"):
        return item.parameter not in _ADDRESSES_OF_OURS
    return True
