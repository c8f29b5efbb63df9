"""Rule files: TOML with `[[rules]]`, checked before use.

Expressions are RE2 (https://github.com/google/re2/wiki/Syntax), matched without regard to case; `.` matches a line
feed. A rule that does not fit its schema, does not compile or fails its own examples is an error that names it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from collector import whole
from collector.detect.match import cache, injection
from collector.detect.ruleset import PatternError, Rule, RuleSet, expression

MAX_FILE = 1 << 20
"""Bytes of one rule file."""

MAX_FILES = 256
_TEXT_EDGE = re.compile(r"\\[AzZ]")


class _File(Struct, forbid_unknown_fields=True):
    rules: Annotated[list[Rule], Meta(max_length=4096)]


class RuleError(ValueError):
    """A rule that cannot be used, with its file."""


@lru_cache
def built_in() -> tuple[Rule, ...]:
    """The rules of this distribution; that they match their examples is a test, not asked anew by every process."""
    folder = resources.files("collector.detect") / "rules"
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml"))
    return tuple(rule for name in files for rule in _rules((folder / name).read_text("utf-8"), name))


def load(directory: str, disabled: Iterable[str], cache_dir: str = "") -> RuleSet:
    """Built-in rules and those of a directory, without the disabled; raises RuleError."""
    rules = [*built_in(), *(rule for path in _paths(directory) for rule in parse(_read(path), str(path)))]
    seen = set[str]()
    for rule in rules:
        if rule.id in seen:
            raise RuleError(f"rules_dir: two rules have the id {rule.id}")
        seen.add(rule.id)
    for name in disabled:
        if name not in seen:
            raise RuleError(f"disabled_rules: there is no rule '{name}'")
    return RuleSet([rule for rule in rules if rule.id not in set(disabled)], cache.directory(cache_dir))


def parse(text: str, name: str) -> list[Rule]:
    """The rules of one file, checked; raises RuleError."""
    rules = _rules(text, name)
    for rule in rules:
        try:
            _check(rule)
        except PatternError as error:
            raise RuleError(f"{name}: {rule.id}: {error}") from None
    return rules


def _rules(text: str, name: str) -> list[Rule]:
    try:
        return msgspec.convert(tomllib.loads(text), _File).rules
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise RuleError(f"{name}: {error}") from None


def _paths(directory: str) -> list[Path]:
    if not directory:
        return []
    if not Path(directory).is_dir():
        raise RuleError(f"rules_dir: '{directory}' is not a directory")
    paths = sorted(Path(directory).glob("*.toml"))
    if len(paths) > MAX_FILES:
        raise RuleError(f"rules_dir: '{directory}' holds {len(paths)} files, {MAX_FILES} are allowed")
    return paths


def _read(path: Path) -> str:
    try:
        return whole.text(path, MAX_FILE)
    except ValueError as error:
        raise RuleError(f"rules_dir: {error}") from None


def _check(rule: Rule) -> None:
    """Its examples, through the same sets that requests go through."""
    for condition in rule.conditions:
        if _TEXT_EDGE.search(condition.regex):
            raise PatternError("\\A and \\z are not supported, use ^ and $")
        expression(condition.regex), expression(condition.unless)
    alone = RuleSet([rule], fallback=True)
    if rule.conditions[0].detect and not injection.AVAILABLE:
        return
    for example in rule.examples.match:
        if not alone.matches_example(rule, example):
            raise PatternError(f"does not match its example {example!r}")
    for example in rule.examples.passes:
        if alone.matches_example(rule, example):
            raise PatternError(f"matches {example!r}, which must pass")
