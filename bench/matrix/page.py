"""The figures as text: a line a case on the terminal, a table in Markdown."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

from bench.matrix.measure import PAGES, Result
from bench.matrix.sides import SIDES, peer_release

PEERS = [side for side in SIDES if side.name not in ("bare", "cowitness")]
HEAD = """# What a request costs

Microseconds that a request takes with nothing added, and what is added to it. Three pages: a plain one / a search with
one SQLite query / a POST of 1 KB of JSON; 11 headers each, called in process (WSGI, or ASGI on one loop), no server and
no network. Every figure of a line is from one run: all sides are started together and take turns of {seconds:g} s,
{rounds} rounds; medians over the rounds, and ± half of what the middle half of the rounds spans. CPU is that of the
whole process, sending threads included.

**Cowitness** sends its records to a node on the same machine{probes}. **OpenTelemetry** is `opentelemetry-instrument`
with its SDK and no exporter: nothing is sent. **ddtrace** is `ddtrace-run` with ASM and without code security (IAST);
no agent listens for it, telemetry and remote configuration are off.

Made by `{command}` on {machine}.
"""


def machine() -> str:
    """What it ran on."""
    model = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{os.cpu_count()} processors ({model}), {system}, load average {os.getloadavg()[0]:.1f} at the end"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def columns() -> list[str]:
    """The head of the table."""
    return ["framework", "CPython", "bare", "Cowitness CPU", "Cowitness wall", *(side.title for side in PEERS)]


def cells(result: Result) -> list[str]:
    """One line of the table."""
    texts = [result.row.framework, result.row.version, " / ".join(f"{result.bare(page)[0]:.0f}" for page in PAGES)]
    texts += [_added(result, "cowitness", kind) for kind in (0, 1)]
    return texts + [_added(result, side.name, 0) for side in PEERS]


def _added(result: Result, side: str, kind: int) -> str:
    found = [result.added(side, page, kind) for page in PAGES]
    return " / ".join(f"{middle:.0f}±{spread:.0f}" for middle, spread in filter(None, found)) or "-"


def line(result: Result) -> str:
    """The same for a terminal."""
    widths = (18, 8, 16, 24, 24, 28, 28, 28)
    return "".join(text.ljust(width) for text, width in zip(cells(result), widths, strict=True)).rstrip()


def markdown(results: Sequence[Result], absent: Sequence[str], **facts: str | float) -> str:
    """The whole page."""
    lines = [HEAD.format(machine=machine(), **facts), "| " + " | ".join(columns()) + " |"]
    lines.append("|" + "---|" * len(columns()))
    lines += ["| " + " | ".join(cells(result)) + " |" for result in results]
    return "\n".join([*lines, "", *ratios(results), *releases(results), *reasons(results), *absent]) + "\n"


def ratios(results: Sequence[Result]) -> list[str]:
    """How much more a peer adds, over all lines that have both."""
    lines = []
    for side in PEERS:
        factors = [
            theirs[0] / ours[0]
            for result in results
            for page in PAGES
            if (theirs := result.added(side.name, page)) and (ours := result.added("cowitness", page)) and ours[0] > 0
        ]
        if factors:
            low, middle, high = min(factors), statistics.median(factors), max(factors)
            lines.append(
                f"- {side.title} adds {middle:.1f} times what Cowitness adds (median; {low:.1f} to {high:.1f})."
            )
    return lines


def releases(results: Sequence[Result]) -> list[str]:
    """Which releases of the peers were measured."""
    lines = []
    for side in PEERS[:2]:
        versions = [r.row.version for r in results if (side.name, "plain") in r.samples]
        pairs = {version: peer_release(side.packages, version) for version in versions}
        if pairs:
            told = ", ".join(f"{release} on {version}" for version, release in pairs.items())
            lines.append(f"- {side.title.split(' ')[0]}: the newest release that each CPython gets: {told}.")
    return lines


def reasons(results: Sequence[Result]) -> list[str]:
    """Why there is a dash, one line for each reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for side in SIDES:
            if reason := result.reasons.get(side.name):
                name = f"{result.row.framework} on {result.row.version}"
                found.setdefault((side.title, reason), []).append(name)
    return [f"- No {title} ({reason}): {', '.join(names)}." for (title, reason), names in found.items()]
