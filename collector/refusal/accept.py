"""What a client would rather have, by its Accept header (RFC 9110, 12.5.1)."""

from __future__ import annotations

MAX_HEADER = 4096
"""Characters of a header that are looked at."""


def prefers(accept: str, wanted: str, other: str) -> bool:
    """Whether the media type `wanted` is preferred over `other`: by its quality, and where that is the same, by how
    closely the header names it. A range whose quality is no number from 0 to 1 does not count.

    >>> prefers("text/html,application/xml;q=0.9,*/*;q=0.8", "text/html", "application/json")
    True
    >>> prefers("*/*", "text/html", "application/json")
    False
    """
    ranges = [found for part in accept[:MAX_HEADER].lower().split(",") if (found := _range(part)) is not None]
    return _best(ranges, wanted) > _best(ranges, other)


def _range(part: str) -> tuple[str, float] | None:
    """A media range and its quality."""
    name, *parameters = (word.strip() for word in part.split(";"))
    qualities = [word[2:] for word in parameters if word.startswith("q=")]
    try:
        quality = float(qualities[0]) if qualities else 1.0
    except ValueError:
        return None
    return (name, quality) if 0 <= quality <= 1 else None


def _best(ranges: list[tuple[str, float]], media: str) -> tuple[float, int]:
    """Quality and closeness (0: any type, 1: its main type, 2: itself) of the range that is the closest."""
    names = ("*/*", media.partition("/")[0] + "/*", media)
    close = [(names.index(name), quality) for name, quality in ranges if name in names]
    if not close:
        return 0.0, 0
    closeness, quality = max(close)
    return quality, closeness if quality else 0
