"""A document of XML: an input declares an entity, or a definition, that a reader takes from a file or another host.
(CWE-611; XML 1.0, 4.2.2 and 2.8)

Definitions on public hosts are what graphics and pages name by habit, and no attack.
"""

from __future__ import annotations

import re

from collector.detect.reached.occurrences import MAX_TEXT
from collector.detect.reached.url import is_internal

MIN_INPUT = 16
_LITERAL = r"""("[^"<]{1,2048}"|'[^'<]{1,2048}')"""
_OUTSIDE = r"(?:SYSTEM|PUBLIC\s+(?:\"[^\"<]{0,512}\"|'[^'<]{0,512}'))\s+" + _LITERAL
_ENTITY = re.compile(r"<!ENTITY\s{1,64}(?:%\s{1,64})?[^\s<>%]{1,256}\s{1,64}" + _OUTSIDE)
_DEFINITION = re.compile(r"<!DOCTYPE\s{1,64}[^\s<>\[]{1,256}\s{1,64}" + _OUTSIDE)
_HOST = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#]*)", re.I)


def reached(value: str, document: str) -> str:
    """What the reader is sent to, a path or a URL, where the input says so; else an empty text."""
    if len(value) < MIN_INPUT or "<!" not in value:
        return ""
    document = document[:MAX_TEXT]
    if value.strip() not in document and document.strip() not in value:
        return ""
    for target in _targets(document):
        if target in value:
            return target
    return ""


def _targets(document: str) -> list[str]:
    entities = [match[1][1:-1] for match in _ENTITY.finditer(document)]
    definitions = [match[1][1:-1] for match in _DEFINITION.finditer(document)]
    return entities + [target for target in definitions if _is_here(target)]


def _is_here(target: str) -> bool:
    """Whether this is a file, or a host that is not one of the open internet."""
    if (host := _HOST.match(target)) is None or target.lower().startswith("file:"):
        return True
    return is_internal(host[1].rpartition("@")[2].partition(":")[0])
