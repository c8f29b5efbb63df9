"""Requests made to be too much: the judge looks at a bounded part of them, says what it left out, and does not grow."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from collector.detect import bodies, inputs
from collector.detect.bodies import Cuts
from collector.detect.inputs import inputs_of
from collector.detect.judge import Judge
from collector.detect.seclang import crs
from collector.detect.settings import DetectSettings
from collector.model import Process
from collector.wire.agent import RequestRecord

PROCESS = Process(pid=1, service="shop")
SIZE = 1_000_000
HANG = 240
"""Seconds after which the process of the memory test is taken to hang."""

FORM, PLAIN, JSON, XML = "application/x-www-form-urlencoded", "text/plain", "application/json", "application/xml"
MULTIPART = "multipart/form-data; boundary=xx"
ATTACK = "' union select password from users--"


def record(body: str = "", kind: str = PLAIN, **fields: object) -> RequestRecord:
    fields = {"headers": [("content-type", kind)], "path": "/x", "body": body, **fields}
    return RequestRecord(request_id="1f2e3d4c5b6a7988", phase="end", **fields)  # type: ignore[arg-type]


def nested(text: str, turn: Callable[[str], str], size: int = SIZE) -> str:
    while len(text) < size // 2:
        text = turn(text)
    return text


def part(number: int) -> str:
    return f'--xx\r\nContent-Disposition: form-data; name="f{number}"\r\n\r\nvalue {number}\r\n'


REPEATED = (
    "x", "'", "\"", "(", ")", "%", "%25", "%2525", "\\", "\\x41", "&lt;", "&#38;", "&", "/*", "/*!1*/", " ", "../", "+",
    "${IFS", "$(", "' or 1=1 ", "union(", "\0", ";", "a=1&", "<a on", "{{", "<![CDATA[", "= \t", "://a", "eyJaaaaaaaa.",
    "password=", "1-", "a''a", "\ufdfa", "\uff07", "\u200b", "YWJj", "-----BEGIN PRIVATE KEY-----", "a\r\n:",
)  # fmt: skip

HOSTILE: dict[str, RequestRecord] = {
    **{f"{kind} of {text!a}": record(("a=" if kind == FORM else "") + text * (SIZE // len(text)), kind)
       for text in REPEATED for kind in (FORM, PLAIN)},
    "10,000 parameters": record(query="&".join(f"p{n}=v{n}" for n in range(10_000))),
    "10,000 fields": record("&".join(f"p'{n}=%2527{n}" for n in range(10_000)), FORM),
    "JSON 10,000 deep": record("[" * 10_000 + "]" * 10_000, JSON),
    "objects 10,000 deep": record('{"a":' * 10_000 + "1" + "}" * 10_000, JSON),
    "JSON 200 deep": record("[" * 200 + '"x"' + "]" * 200, JSON),
    "a wide list": record(json.dumps([f"v'{n}" for n in range(90_000)]), JSON),
    "a wide list that is looked at": record(json.dumps([f"v'{n}" for n in range(9_000)]), JSON),
    "base64 in base64": record("a=" + nested("x" * 9, lambda s: base64.b64encode(s.encode()).decode()), FORM),
    "JSON in JSON": record(nested("x" * 99_000, lambda s: json.dumps({"a": s})), JSON),
    "10,000 parts": record("".join(part(n) for n in range(10_000)) + "--xx--", MULTIPART),
    "a long part header": record("--xx\r\nContent-Disposition: x" + '; name="' * 90_000 + "\r\n\r\nv", MULTIPART),
    "boundaries alone": record("--xx" * 250_000, MULTIPART),
    "an entity bomb": record(
        "<!DOCTYPE x [" + "".join(f'<!ENTITY a{n} "&a{n - 1};">' for n in range(40_000)) + "]><x>&a9;</x>",
        XML,
    ),
    "10,000 cookies": record(headers=[("cookie", "; ".join(f"c{n}=v'{n}" for n in range(10_000)))]),
    "a header of 1 MB": record(headers=[("x-a", "' or " * 200_000)]),
    "a cookie of 1 MB": record(headers=[("cookie", "a=" + "'\";" * 300_000)]),
    "a path of 1 MB": record(path="/" + "%2527/" * 170_000),
}  # fmt: skip


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(DetectSettings(crs=crs.installed()))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bounded_part_is_looked_at(name: str, judge: Judge) -> None:
    """However large a request, no more than so many inputs and characters of it are looked at, and a cut is counted."""
    hostile, cuts = HOSTILE[name], Cuts()
    judge.cuts.clear()
    items = inputs_of(hostile, cuts)
    assert len(items) <= inputs.MAX_INPUTS
    assert sum(len(item.value) for item in items) <= inputs.MAX_TOTAL
    assert max([len(item.value) for item in items], default=0) <= inputs.MAX_LENGTH
    judge.report(hostile, PROCESS, True)
    assert cuts.kinds <= set(judge.cuts)
    assert judge.cuts or len(hostile.body) + len(hostile.query) < inputs.MAX_LENGTH


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a cookie of 1 MB", "header"), ("JSON 200 deep", "depth"), ("a wide list that is looked at", "items"),
        ("10,000 parts", "parts"), ("a long part header", "part_headers"), ("an entity bomb", "body"),
        ("10,000 cookies", "cookies"), ("a header of 1 MB", "header"), ("a path of 1 MB", "segments"),
        ("text/plain of 'x'", "body"),
    ],
)  # fmt: skip
def test_what_is_cut_is_told_by_kind(name: str, kind: str) -> None:
    """Each limit has its name among the cuts."""
    cuts = Cuts()
    inputs_of(HOSTILE[name], cuts)
    assert kind in cuts.kinds


@pytest.mark.parametrize("size", [8_000, 32_000, 64_000, 128_000])
@pytest.mark.parametrize("kind", [PLAIN, FORM, JSON])
def test_large_bodies_are_looked_at_to_their_end(size: int, kind: str, judge: Judge) -> None:
    """An attack at the end of a body of up to 128 kB is found."""
    text = "word " * (size // 5) + ATTACK
    body = {PLAIN: text, FORM: "a=" + text.replace(" ", "+"), JSON: json.dumps({"a": text})}[kind]
    report = judge.report(record(body, kind), PROCESS, True)
    assert report is not None
    assert "sql_injection" in {finding.category for finding in report.findings}


def test_what_stands_after_the_cut_is_not_found() -> None:
    """Text after the limit is not looked at, and the request counts as one that was cut."""
    judge = Judge(DetectSettings())
    assert judge.report(record("word " * (inputs.MAX_LENGTH // 5 + 1) + ATTACK), PROCESS, True) is None
    assert judge.cuts["body"] == 1


def test_letters_that_grow() -> None:
    """A letter whose compatibility form is 18 others makes no input longer than the limit."""
    items = inputs_of(record("\ufdfa" * inputs.MAX_LENGTH))
    assert [len(item.value) for item in items if item.location == "body"] == [inputs.MAX_LENGTH] * 2


def test_nothing_of_a_deep_text_is_lost_before_the_limit() -> None:
    """Strings at the deepest level that is looked at are inputs."""
    deep = "[" * bodies.MAX_DEPTH + '"x;id"' + "]" * bodies.MAX_DEPTH
    assert "x;id" in {item.value for item in inputs_of(record(deep, JSON))}


_CHILD = """
import resource
from tests.collector.detect.test_worst_cases import HOSTILE, PROCESS, Judge, DetectSettings, crs
judge = Judge(DetectSettings(crs=crs.installed()))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for one in HOSTILE.values():
    judge.report(one, PROCESS, True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_is_bounded() -> None:
    """A process that judges all hostile requests, one after the other, grows by less than 160 MB."""
    ran = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, text=True, timeout=HANG, check=False)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 160 << 10
