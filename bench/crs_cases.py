"""The regression tests of the OWASP Core Rule Set, as records that an agent would send.

Either its own files (tests/regression/tests/**/*.yaml of its source, the schema is coreruleset/ftw-tests-schema), which
say all of a request, or labelled requests as JSON lines (see bench/accuracy.py), which do not know its version of HTTP
and whether its sender filled in what was missing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import msgspec
import yaml

from bench import accuracy
from collector.cli.plain_request import record
from collector.wire.agent import RequestRecord

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Case:
    """A request, and the rules that must fire and must not; `level` of paranoia."""

    id: str
    request: RequestRecord
    fires: frozenset[int]
    silent: frozenset[int]
    level: int = 0


def labelled(folder: Path) -> Iterator[Case]:
    """From crs*.jsonl.gz: `expect_rule` lists ids that must fire, `!id` those that must not."""
    for file in sorted(folder.glob("crs*.jsonl.gz")):
        for case in accuracy.cases(file):
            ids = [str(one) for one in case["expect_rule"]]
            silent = frozenset(int(one[1:]) for one in ids if one[0] == "!")
            fires = frozenset(int(one) for one in ids if one[0] != "!")
            yield Case(case["id"], accuracy.request(case), fires, silent, case.get("level", 9))


def own(folder: Path) -> Iterator[Case]:
    """From the files of the rule set. Tests that look at the log's text or the status alone say nothing of a rule."""
    for file in sorted(folder.rglob("*.yaml")):
        document = yaml.safe_load(file.read_text()) or {}
        for test in document.get("tests", ()):
            for stage in test["stages"]:
                log = stage["output"].get("log", {})
                fires, silent = frozenset(log.get("expect_ids", ())), frozenset(log.get("no_expect_ids", ()))
                refused = stage["output"].get("status") == 400  # by the server: no app ever sees it
                if (fires or silent) and not refused:
                    yield Case(f"{file.stem}-{test['test_id']}", _request(stage["input"]), fires, silent)


def _request(said: dict[str, Any]) -> RequestRecord:
    """What go-ftw would send, read by a server."""
    if said.get("encoded_request"):
        return _raw(base64.b64decode(said["encoded_request"]))
    complete = said.get("autocomplete_headers", True)
    headers = [(name, "" if value is None else str(value)) for name, value in (said.get("headers") or {}).items()]
    data = _data(said)
    names = {name.lower() for name, _ in headers}
    if complete and data and "content-type" not in names:
        headers.append(("Content-Type", FORM))
    kinds = [value for name, value in headers if name.lower() == "content-type"]
    if complete and FORM in kinds:
        data = _escaped(data)
    if any("multipart/form-data;" in kind for kind in kinds):
        data = data.replace(b"\n", b"\r\n")
    method = said.get("method", "GET")
    if complete and (data or method in ("POST", "PUT", "PATCH", "DELETE")) and "content-length" not in names:
        headers.append(("Content-Length", str(len(data))))
    return _read(method, said.get("uri", "/"), said.get("version", "HTTP/1.1"), headers, data)


def _data(said: dict[str, Any]) -> bytes:
    return base64.b64decode(said["encoded_data"]) if "encoded_data" in said else str(said.get("data") or "").encode()


def _escaped(data: bytes) -> bytes:
    """Names and values of a form, where nothing in it is escaped."""
    text = data.decode("utf-8", "surrogateescape")
    if unquote_plus(text) != text or "%" in text:
        return data
    fields = ("=".join(map(quote_plus, field.split("=", 1))) for field in text.split("&"))
    return "&".join(fields).encode()


def _raw(data: bytes) -> RequestRecord:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, version = [*first.split(" "), "", ""][:3]
    pairs = (line.partition(":") for line in lines)
    return _read(method, target, version, [(name.strip(), value.strip()) for name, _, value in pairs], body)


def _read(method: str, target: str, version: str, headers: list[tuple[str, str]], data: bytes) -> RequestRecord:
    """As a server hands it over: headers of one name are one, as PEP 3333 has it; a line without a version is 0.9; a
    body is read by its length or in chunks, and then a length is taken away (RFC 9112, 6.1 and 6.3)."""
    values: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        values[name] = f"{values[name]},{value}" if name in values else value
    if "transfer-encoding" in values:
        values.pop("content-length", None)
        data = _joined(data)
    elif "content-length" not in values and not version.startswith("HTTP/2"):
        data = b""
    read = record(method, target, values.items(), data or None)
    return msgspec.structs.replace(read, protocol_version=version.rpartition("/")[2] or "0.9")


def _joined(data: bytes) -> bytes:
    """The body that came in chunks, as far as it is whole."""
    whole = b""
    while size := int(data.partition(b"\r\n")[0] or b"0", 16):
        data = data.partition(b"\r\n")[2]
        whole, data = whole + data[:size], data[size + 2 :]
    return whole
