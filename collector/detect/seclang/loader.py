"""Rule files to a list of rules, and a report of everything in them that is not supported."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from collector.detect.seclang import operators, syntax
from collector.detect.seclang.rule import Rule, make, tag_matches

MAX_DEPTH = 8
MAX_RULES = 20_000
_SETTINGS = frozenset(  # say how ModSecurity is to run, not what is an attack
    (
        "seccomponentsignature", "seccollectiontimeout", "secruleengine", "secrequestbodyaccess",
        "secrequestbodylimit", "secrequestbodynofileslimit", "secrequestbodyinmemorylimit",
        "secrequestbodylimitaction", "secresponsebodyaccess", "secresponsebodymimetype", "secresponsebodylimit",
        "secresponsebodylimitaction", "secauditengine", "secauditlog", "secauditlogparts", "secauditlogtype",
        "secauditlogrelevantstatus", "secauditlogstoragedir", "secauditlogformat", "secdebuglog",
        "secdebugloglevel", "secargumentseparator", "seccookieformat", "secunicodemapfile", "secstatusengine",
        "sectmpdir", "secdatadir", "secdefaultaction", "secpcrematchlimit", "secpcrematchlimitrecursion",
        "secrequestbodyjsondepthlimit", "secargumentslimit", "secuploaddir", "secuploadkeepfiles",
        "secuploadfilemode",
    )
)  # fmt: skip


class Problem(Struct, frozen=True):
    """Something that is not supported: the rule's id (0 for none), where it stands, and what it is."""

    id: int
    place: str
    what: str


class Marker(Struct, frozen=True):
    """A SecMarker, before the rule of this position."""

    name: str
    position: int


class Loaded(Struct):
    """Rules in order, markers, and the report."""

    rules: list[Rule] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


class Loader:
    """Loads files one after the other; later ones may take rules of earlier ones away."""

    def __init__(self) -> None:
        self.loaded = Loaded()
        self._open: list[Rule] = []
        self._broken = False
        self._position = 0

    def load(self, path: Path, depth: int = 0) -> None:
        """A file and what it includes; raises OSError where it cannot be read."""
        with path.open("rb") as file:
            text = file.read(syntax.MAX_FILE).decode("utf-8", "replace")
        self.loaded.files.append(str(path))
        for directive in syntax.directives(text, path.name):
            self._take(directive, path.parent, depth)

    def text(self, text: str, folder: Path, name: str = "text") -> None:
        """Rules given as a text."""
        for directive in syntax.directives(text, name):
            self._take(directive, folder, 0)

    def _take(self, directive: syntax.Directive, folder: Path, depth: int) -> None:
        name = directive.name.lower()
        if name in ("secrule", "secaction"):
            self._rule(directive, folder)
        elif name == "secmarker":
            self.loaded.markers.append(Marker(directive.words[0] if directive.words else "", self._position))
        elif name in ("include", "includeoptional"):
            self._include(directive, folder, depth)
        elif name in _CHANGES:
            self._change(name, directive)
        elif name not in _SETTINGS:
            self._problem(0, directive.place, f"directive {directive.name}")

    def _include(self, directive: syntax.Directive, folder: Path, depth: int) -> None:
        paths = sorted(glob.glob(str(folder / directive.words[0]))) if directive.words else []
        if depth >= MAX_DEPTH or (not paths and directive.name.lower() == "include"):
            self._problem(0, directive.place, f"include of {' '.join(directive.words)}")
        for path in paths if depth < MAX_DEPTH else ():
            self.load(Path(path), depth + 1)

    def _rule(self, directive: syntax.Directive, folder: Path) -> None:
        parent = self._open[0] if self._open else None
        if parent is None and len(self.loaded.rules) >= MAX_RULES:
            self._problem(0, directive.place, "more rules than are allowed")
            return
        try:
            made = make(directive, self._position, folder, parent)
        except (ValueError, TypeError) as error:
            self._problem(parent.id if parent else 0, directive.place, str(error)[:200])
            self._broken = bool(parent)
            return
        problems = made.problems + _operator_problem(made.rule)
        for what in problems:
            self._problem(made.rule.id, directive.place, what)
        self._broken = (self._broken and parent is not None) or bool(problems)
        self._open.append(made.rule)
        if not made.rule.chained:
            self._close()

    def _close(self) -> None:
        first, *links = self._open
        if not self._broken:
            self.loaded.rules.append(replace(first, links=tuple(links)))
        self._open, self._broken = [], False
        self._position += 1

    def _problem(self, number: int, place: str, what: str) -> None:
        self.loaded.problems.append(Problem(number, place, what))

    def _change(self, name: str, directive: syntax.Directive) -> None:
        words = directive.words
        if not words:
            self._problem(0, directive.place, f"directive {directive.name}")
        elif name.startswith("secruleremove"):
            kept = [rule for rule in self.loaded.rules if not chosen(rule, name, words)]
            self.loaded.rules = kept
        elif len(words) > 1:
            more = syntax.variables(words[1].replace(",", "|"))
            self.loaded.rules = [
                replace(rule, variables=rule.variables + more) if chosen(rule, name, words[:1]) else rule
                for rule in self.loaded.rules
            ]


_CHANGES = frozenset(
    [
        "secruleremovebyid",
        "secruleremovebytag",
        "secruleremovebymsg",
        "secruleupdatetargetbyid",
        "secruleupdatetargetbytag",
        "secruleupdatetargetbymsg",
    ]
)


def ids(text: str) -> Iterator[tuple[int, int]]:
    """Ranges of rule ids: `942100`, `942100-942199`, several with commas or blanks."""
    for part in re.split(r"[,\s]+", text):
        first, _, last = part.partition("-")
        if first.isdigit():
            yield int(first), int(last) if last.isdigit() else int(first)


def chosen(rule: Rule, name: str, words: Iterable[str]) -> bool:
    """Whether a rule is meant by `...ById`, `...ByTag` or `...ByMsg` with these words."""
    for word in words:
        if name.endswith("byid") and any(low <= rule.id <= high for low, high in ids(word)):
            return True
        if name.endswith("bytag") and tag_matches(rule, word):
            return True
        if name.endswith("bymsg") and re.search(word, rule.message):
            return True
    return False


def _operator_problem(rule: Rule) -> list[str]:
    try:
        if operators.words(rule.operator, rule.folder) is None:
            operators.test(rule.operator, rule.folder)
    except ValueError as error:
        return [str(error)]
    return []
