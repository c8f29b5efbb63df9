"""What an operator says of a text. Those by expression or word live in the one database of a program; the others are
functions here."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from collector.detect.match import injection
from collector.detect.match.pattern import Pattern, PatternError, compiled
from collector.detect.seclang.syntax import Operator

PHRASES = 40
"""Words of a list that share one expression of the database."""

MAX_LIST = 1 << 20
_NUMBER = re.compile(r"\s*[-+]?\d+")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


class UnsupportedError(ValueError):
    """An operator, or a way to use it, that is not known here."""


class Words(Struct, frozen=True):
    """An operator that finds any of these expressions, or what a detector tells."""

    patterns: tuple[Pattern, ...]
    detector: str = ""


Test = Callable[[str, str], bool]
"""Text and argument (macros replaced) to the operator's answer."""


def words(operator: Operator, folder: Path) -> Words | None:
    """The expressions or the detector of an operator; None where it is a function. Raises UnsupportedError."""
    name, argument = operator.name.lower(), operator.argument
    if name == "rx" and "%{" in argument:
        return None
    if name == "rx":
        return Words((Pattern(argument),))
    if name == "detectsqli":
        return Words((), "sql")
    if name == "detectxss":
        return Words((), "xss")
    if name in ("pm", "pmf", "pmfromfile"):
        return Words(tuple(_grouped(phrases(operator, folder))))
    if name == "validatebyterange":
        return Words((Pattern(f"[{_outside(argument)}]" if _outside(argument) else r"[^\x00-\xff]"),))
    if "%{" in argument:
        return None
    literal = re.escape(argument)
    forms = {
        "contains": literal, "beginswith": rf"\A{literal}", "endswith": rf"{literal}\z",
        "streq": rf"\A{literal}\z", "containsword": rf"(?:\A|\W){literal}(?:\W|\z)",
    }  # fmt: skip
    return Words((Pattern(forms[name]),)) if name in forms else None


def phrases(operator: Operator, folder: Path) -> list[str]:
    """The words of @pm and of the file of @pmFromFile; raises UnsupportedError."""
    if operator.name.lower() == "pm":
        return operator.argument.split()
    found = []
    for name in operator.argument.split():
        found += [line for line in _lines(folder, name) if line and not line.startswith("#")]
    return found


def test(operator: Operator, folder: Path) -> Test:
    """The function of an operator; raises UnsupportedError."""
    name, argument = operator.name.lower(), operator.argument
    if name in _TESTS:
        return _TESTS[name]
    if name in ("ipmatch", "ipmatchfromfile", "ipmatchf"):
        listed = argument.split(",") if name == "ipmatch" else _lines(folder, argument)
        return _ip_match(listed)
    raise UnsupportedError(f"operator @{operator.name}")


def number(text: str) -> int:
    """As atoi does."""
    match = _NUMBER.match(text)
    return int(match.group()) if match else 0


def _grouped(listed: list[str]) -> Iterable[Pattern]:
    for start in range(0, len(listed), PHRASES):
        some = "|".join(re.escape(phrase) for phrase in listed[start : start + PHRASES])
        yield Pattern(f"(?:{some})", caseless=True)


def _lines(folder: Path, name: str) -> list[str]:
    path = folder / name
    try:
        with path.open("rb") as file:
            text = file.read(MAX_LIST).decode("latin-1")
    except OSError as error:
        raise UnsupportedError(f"list {name}: {error.strerror}") from None
    return [line.strip() for line in text.splitlines()]


def _outside(argument: str) -> str:
    """The characters that @validateByteRange does not allow."""
    allowed = set[int]()
    for part in argument.split(","):
        first, _, last = part.strip().partition("-")
        allowed.update(range(int(first), int(last or first) + 1))
    return "".join(f"\\x{code:02x}" for code in range(256) if code not in allowed)


def _ip_match(listed: Iterable[str]) -> Test:
    networks = []
    for item in listed:
        if item.strip() and not item.startswith("#"):
            try:
                networks.append(ipaddress.ip_network(item.strip(), strict=False))
            except ValueError:
                raise UnsupportedError(f"@ipMatch {item.strip()[:40]}") from None

    @lru_cache(1024)
    def matches(text: str, _: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address.version == network.version and address in network for network in networks)

    return matches


def _utf8_is_broken(text: str, _: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode("latin-1", "replace").decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


@lru_cache(256)
def _expression(text: str) -> Any:
    return compiled(Pattern(text))


def _rx(text: str, argument: str) -> bool:
    """An expression with macros in it, which the rule's author and the settings make, never a request."""
    try:
        return _expression(argument).search(text.encode("latin-1", "replace")) is not None
    except PatternError:
        return False


_TESTS: dict[str, Test] = {
    "rx": _rx,
    "eq": lambda text, argument: number(text) == number(argument),
    "ge": lambda text, argument: number(text) >= number(argument),
    "gt": lambda text, argument: number(text) > number(argument),
    "le": lambda text, argument: number(text) <= number(argument),
    "lt": lambda text, argument: number(text) < number(argument),
    "streq": lambda text, argument: text == argument,
    "contains": lambda text, argument: argument in text,
    "containsword": lambda text, argument: re.search(rf"(?<!\w){re.escape(argument)}(?!\w)", text) is not None,
    "within": lambda text, argument: text in argument,
    "beginswith": lambda text, argument: text.startswith(argument),
    "endswith": lambda text, argument: text.endswith(argument),
    "strmatch": lambda text, argument: argument in text,
    "validateurlencoding": lambda text, _: "%" in text and _BAD_ESCAPE.search(text) is not None,
    "validateutf8encoding": _utf8_is_broken,
    "unconditionalmatch": lambda *_: True,
    "nomatch": lambda *_: False,
}

DETECTORS: dict[str, Callable[[str], bool]] = {"sql": injection.sql, "xss": injection.xss}
