"""The rules whose outcome is known as long as no other rule has changed anything: they look at variables alone, mostly
to add up scores. They are run once, here, and at requests only after others have changed something.
"""

from __future__ import annotations

from collections.abc import Mapping

from collector.detect.seclang import effects, step
from collector.detect.seclang.effects import Effects
from collector.detect.seclang.link import Environment, State
from collector.detect.seclang.rule import STORED
from collector.detect.seclang.step import Step


class Settled:
    """`numbers`: those steps; `variables`: what there is after them. `steps`: all of the program."""

    def __init__(self, steps: Mapping[int, Step], environment: Environment) -> None:
        known = {number: effects.effects(one) for number, one in steps.items()}
        self._environment = environment
        self.numbers = _closed(frozenset(n for n, one in steps.items() if _looks_inside(one, known[n])), known)
        state = State({}, dict(environment))
        ran = [one for n, one in sorted(steps.items()) if n in self.numbers and step.run(one, state, None)]
        if any(one.rule.message or one.rule.disruptive for one in ran):
            self.numbers, state = frozenset(), State({}, dict(environment))
        self.variables = state.tx

    def holds(self, state: State) -> bool:
        """Whether other rules have left everything as it was that these look at."""
        targets = any(variable.name == "TX" for _, _, variable in state.removed_targets)
        return not state.stopped and not targets and state.tx == self._environment


def _looks_inside(one: Step, known: Effects) -> bool:
    """Whether a step looks at variables alone, and does nothing but set some."""
    rules = one.rule.all()
    return (
        one.goes_on < 0 and known.macros <= {"tx"}
        and not any(rule.controls or rule.allow or rule.capture or rule.skip for rule in rules)
        and all(variable.name in ("TX", *STORED) for rule in rules for variable in rule.variables)
    )  # fmt: skip


def _closed(numbers: frozenset[int], known: Mapping[int, Effects]) -> frozenset[int]:
    """Without those that write what others read."""
    while True:
        others = [one for n, one in known.items() if n not in numbers]
        kept = frozenset(n for n in numbers if not any(one.touched_by(known[n].writes) for one in others))
        if kept == numbers:
            return kept
        numbers = kept
