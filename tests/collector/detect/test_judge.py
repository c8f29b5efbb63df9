"""The judge as its callers use it: whole records in, reports and verdicts out."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.detect.judge import Judge
from collector.detect.settings import DetectSettings
from collector.model import Action, Finding, Process, RequestReport, Verdict
from collector.policy.compiled import Compiled
from collector.policy.document import Entry, Policy, Rule
from collector.wire.agent import (
    Ask,
    BlockedRecord,
    OperationRecord,
    RequestRecord,
    UserRecord,
    decode_ask,
    decode_batch,
)

GOLDEN = Path(__file__).resolve().parents[3] / "proto" / "wire" / "golden"
PROCESS = Process(pid=7, service="shop")
JUDGE = Judge(DetectSettings())
SECRET = "hunter2-Zebra"
FORM = [("content-type", "application/x-www-form-urlencoded")]


def get(query: str = "", *operations: tuple[str, str], **fields: Any) -> RequestRecord:
    listed = [OperationRecord(n, kind, text=text) for n, (kind, text) in enumerate(operations)]  # type: ignore[arg-type]
    fields = {"path": "/x", "query": query, "operations": listed, "method": "GET", **fields}
    return RequestRecord(request_id="1f2e3d4c5b6a7988", phase="end", **fields)


def told(record: RequestRecord, judge: Judge = JUDGE) -> RequestReport:
    report = judge.report(record, PROCESS, True)
    assert report is not None
    return report


def reached(record: RequestRecord) -> list[Finding]:
    return [finding for finding in told(record).findings if finding.stage is Verdict.REACHED]


def test_golden_batch() -> None:
    """The attack of the golden batch is attempted and reached; its login request and its task are nobody's attack."""
    requests = [
        one for one in decode_batch((GOLDEN / "batch.json").read_bytes()).records if isinstance(one, RequestRecord)
    ]
    attack, login, task = (JUDGE.report(one, PROCESS, one.phase == "end") for one in requests)
    assert (login, task) == (None, None)
    assert attack is not None
    assert [(one.stage, one.category, one.location, one.parameter) for one in attack.findings] == [
        (Verdict.ATTEMPTED, "command_injection", "query", "host"),
        (Verdict.REACHED, "command_injection", "query", "host"),
    ]  # fmt: skip
    last = attack.findings[-1]
    assert (last.operation_index, last.statement) == (0, "ping -c1 x;cat /etc/hostname")
    assert (last.value, last.probe_text) == ("x;cat /etc/hostname", "x;cat /etc/hostname")
    assert (attack.final, attack.operations[0].stack) == (True, ("/srv/app.py:12 ping",))
    assert attack.request.process == PROCESS


def test_golden_asks() -> None:
    """A harmless ask is allowed in block mode; one whose operation is reached is blocked there, and only there."""
    harmless, attack = (decode_ask((GOLDEN / name).read_bytes()) for name in ("ask.json", "ask_operation.json"))
    assert JUDGE.verdict(harmless, PROCESS, "block").action == "allow"
    assert JUDGE.verdict(harmless, PROCESS, "block").findings == []
    blocked = JUDGE.verdict(attack, PROCESS, "block")
    assert (blocked.action, blocked.status, blocked.response_id) == ("block", 403, attack.request.request_id)
    assert {(one.category, one.parameter) for one in blocked.findings} == {("command_injection", "host")}
    for mode in ("monitor", "off", ""):
        allowed = JUDGE.verdict(attack, PROCESS, mode)
        assert (allowed.action, allowed.response_id) == ("allow", "")
        assert allowed.findings == blocked.findings


def test_an_attempt_alone_does_not_block() -> None:
    """What was only attempted passes in block mode; the app may well be safe."""
    verdict = JUDGE.verdict(Ask(get("q=%27+union+select+1,2,3--+-")), PROCESS, "block")
    assert verdict.action == "allow"
    assert "sql_injection" in {one.category for one in verdict.findings}


def test_a_blocking_rule_blocks() -> None:
    """The test attack that blocks does so in block mode, and its finding says so once the agent has blocked."""
    record = get(headers=[("user-agent", "dd-test-scanner-log-block")])
    assert JUDGE.verdict(Ask(record), PROCESS, "block").action == "block"
    assert JUDGE.verdict(Ask(record), PROCESS, "monitor").action == "allow"
    blocked = msgspec.structs.replace(record, blocked=msgspec.convert({"where": "request"}, type_of("blocked")))
    assert {one.rule_id: one.action for one in told(blocked).findings}["scanner-002"] is Action.BLOCKED
    assert {one.action for one in told(record).findings} == {Action.MONITORED}


def test_cleaning_up_after_a_refusal() -> None:
    """What an app does for a request of somebody who is refused, once it is refused, happens; an attack does not."""
    judge = Judge(DetectSettings())
    judge.policy = Compiled(Policy(block=(Entry("user:eve"),)))
    user = UserRecord(id="7", login="eve")
    begun, stopped = get("host=x%3Bid", user=user), get("host=x%3Bid", user=user, blocked=BlockedRecord("user", "7"))
    undo, attack = OperationRecord(0, "sql", text="ROLLBACK"), OperationRecord(0, "shell", text="echo x;id")
    wanted = [(begun, None, "block"), (begun, undo, "block"), (stopped, undo, "allow"), (stopped, attack, "block")]
    for record, operation, action in wanted:
        assert judge.verdict(Ask(record, operation), PROCESS, "block").action == action


def type_of(field: str) -> Any:
    return {one.name: one.type for one in msgspec.structs.fields(RequestRecord)}[field]


@pytest.mark.parametrize(
    ("record", "category", "probe"),
    [
        (get("host=x%3Bcat+/proc/version", ("shell", "echo x;cat /proc/version")), "command_injection",
         "x;cat /proc/version"),
        (get("name=../../../../proc/version", ("file", "/srv/f/../../../../proc/version")), "path_traversal",
         "/proc/version"),
        (get("url=http://127.0.0.1:8080/", ("url", "http://127.0.0.1:8080/")), "ssrf", "127.0.0.1"),
        (get("q=x%27+or+1%3D1--", ("sql", "select id from a where b='x' or 1=1--'")), "sql_injection", "x' or 1=1--"),
    ],
)  # fmt: skip
def test_reached(record: RequestRecord, category: str, probe: str) -> None:
    """Each kind of operation: attempted and reached, with the statement and what the kernel should show."""
    assert {one.stage for one in told(record).findings if one.category == category} == {
        Verdict.ATTEMPTED,
        Verdict.REACHED,
    }
    (finding,) = reached(record)
    assert (finding.category, finding.probe_text, finding.location) == (category, probe, "query")
    assert finding.statement == record.operations[0].text
    assert finding.operation_index == 0


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        (("body", "host"), {"body": "host=x%3Bid", "headers": [("content-type", "application/x-www-form-urlencoded")]}),
        (("body", "a.host"), {"body": '{"a": {"host": "x;id"}}', "headers": [("content-type", "application/json")]}),
        (("cookie", "host"), {"headers": [("cookie", "host=x%3Bid")]}),
        (("path_params", "host"), {"path_params": {"host": "x;id"}}),
        (("header", "x-host"), {"headers": [("x-host", "x;id")]}),
        (("query", "host"), {"query": "host=" + base64.b64encode(b"cmd arg x;id").decode()}),
    ],
)
def test_wherever_it_comes_from(place: tuple[str, str], fields: dict[str, Any]) -> None:
    """An input reaches a command from every place of the request."""
    text = "ping cmd arg x;id" if "query" in fields else "ping x;id"
    assert [
        (one.location, one.parameter)
        for one in reached(get(operations=[OperationRecord(0, "shell", text=text)], **fields))
    ] == [place]


CLEAN = {
    "ping": get("host=127.0.0.1", ("shell", "ping -c1 127.0.0.1"), ("connect", "127.0.0.1:5432")),
    "name": get("name=O%27Brien", ("sql", "select * from a where b='O''Brien'")),
    "search": get("q=the+old+man+and+the+sea", ("sql", "select * from a where b like '%the old man and the sea%'")),
    "sorted": get("sort=title+desc", ("sql", "select * from a order by title desc")),
    "cover": get("url=https://cdn.example.com/a.png", ("url", "https://cdn.example.com/a.png")),
    "download": get("name=2026/report.txt", ("file", "/srv/files/2026/report.txt")),
    "static": get("", ("file", "/static/app/main.js"), path="/static/app/main.js"),
    "own api": get("", ("url", "http://localhost:8000/api/x"), headers=[("referer", "http://localhost:8000/api/x")]),
    "bound": get("q=%27or+b", ("sql", "select * from a where b = ?")),
    "argument": get("host=a+b", ("argv", "ping a b")),
    "prose": get("q=Select+a+seat;+then+order+by+phone+%26+pay"),
    "code": get("", body="if x == 'a' and y == 'b':\n    run(x); y = 5", headers=[("content-type", "text/plain")]),
}


@pytest.mark.parametrize("name", CLEAN)
def test_clean(name: str) -> None:
    """Ordinary requests of vulnerable and of safe apps give no report."""
    assert JUDGE.report(CLEAN[name], PROCESS, True) is None


def test_values_that_are_bound_are_no_code() -> None:
    """They do not stand in the statement; what was put into one beside them is code all the same."""
    bound = OperationRecord(0, "sql", text="select 1 where owner = ? and a = ?", parameterised=True)
    mixed = OperationRecord(0, "sql", text="select 1 where owner = ? and a = 'x' or 1=1--'", parameterised=True)
    assert reached(get("q=x%27+or+1%3D1--", operations=[bound])) == []
    assert [one.category for one in reached(get("q=x%27+or+1%3D1--", operations=[mixed]))] == ["sql_injection"]


def test_an_attack_that_no_rule_knows_is_reached() -> None:
    """An input that is code is told even where no rule matched it, under a rule of its own."""
    record = get("c=touch+a;frobnicate+b", ("shell", "run touch a;frobnicate b"))
    assert [(one.rule_id, one.stage) for one in told(record).findings] == [("cmdi-900", Verdict.REACHED)]


def test_one_finding_for_a_rule_and_a_parameter() -> None:
    """Several decodings of one parameter and the same command run twice give one finding of each stage."""
    record = get("host=x%253Bid", ("shell", "ping x;id"), ("shell", "ping x;id"))
    assert [one.stage for one in told(record).findings] == [Verdict.ATTEMPTED, Verdict.REACHED]


def test_a_password_is_nowhere() -> None:
    """The values of secret parameters and headers, and what has their shape, are in no part of a report."""
    statement = f"select * from u where n='x' or 1=1--' and p='{SECRET}'"
    record = get(
        f"q=x%27+or+1%3D1--&password={SECRET}&next=/x%3Ftoken%3D{SECRET}",
        ("sql", statement), ("shell", f"mysql --password={SECRET}"), ("shell", f"login {SECRET}"),
        headers=[("cookie", f"sid={SECRET}"), ("authorization", f"Basic {SECRET}"), ("referer", f"http://h/?token={SECRET}")],
        response_headers=[("set-cookie", f"sid={SECRET}; Path=/")], body=f'{{"passwd": "{SECRET}"}}',
        exception=msgspec.convert({"type": "E", "message": f"password={SECRET}"}, type_of("exception")),
    )  # fmt: skip
    assert SECRET not in msgspec.json.encode(told(record)).decode()


def test_an_attack_in_a_password() -> None:
    """An attack in a secret parameter is told without its value; only the text for the kernel's evidence has it."""
    record = get("password=x%3Bcat+/proc/version", ("shell", "login x;cat /proc/version"))
    report = told(record)
    assert {one.stage for one in report.findings} == {Verdict.ATTEMPTED, Verdict.REACHED}
    assert {(one.value, one.highlight) for one in report.findings} == {("<redacted>", "")}
    stored = [msgspec.structs.replace(one, probe_text="") for one in report.findings]
    assert b"/proc/version" not in msgspec.json.encode((stored, report.request, report.operations))


def test_literals_are_masked_but_for_the_attack() -> None:
    """A stored statement shows the attack and none of the other values."""
    record = get("q=x%27+or+1%3D1--", ("sql", "select 1 from a where phone='555-0100' and b='x' or 1=1--'"))
    assert told(record).operations[0].text == "select ? from a where phone=? and b='x' or 1=1--'"


def test_long_values_are_cut_around_the_match() -> None:
    """A stored value is no longer than its limit and still shows what matched."""
    judge = Judge(DetectSettings(max_value_bytes=128))
    (finding,) = told(get("q=" + "\u00e9" * 3000 + "<script>alert(1)</script>" + "B" * 3000), judge).findings
    assert len(finding.value.encode()) <= 128
    assert finding.highlight
    assert finding.highlight in finding.value


def test_request_view() -> None:
    """The view of a request: client behind a trusted proxy, the peer beside it, the user, the agent's name."""
    judge = Judge(DetectSettings(trusted_proxies=("10.0.0.0/8",)))
    headers = [("x-forwarded-for", "1.1.1.1, 198.51.100.1"), ("user-agent", "curl/8")]
    record = get("a=1", headers=headers, peer=msgspec.convert({"address": "10.0.0.1", "port": 5}, type_of("peer")),
                 response_body_size=9, exception=msgspec.convert({"stack": ["a.py:1 f"]}, type_of("exception")),
                 user=msgspec.convert({"id": "7", "login": "alice", "session_id": "d1"}, type_of("user")))  # fmt: skip
    view = judge.request_view(record, PROCESS)
    assert (view.client_address, view.forged_forwarding, view.peer.port) == ("198.51.100.1", False, 5)
    assert (view.user.id, view.user.login, view.user_agent, view.query) == ("7", "alice", "curl/8", "a=1")
    assert (view.response_body_size, view.exception_stack) == (9, ("a.py:1 f",))
    assert JUDGE.request_view(get("a=1"), PROCESS).response_body_size == -1
    assert JUDGE.request_view(record, PROCESS).forged_forwarding
    assert JUDGE.request_view(record, PROCESS).client_address == "10.0.0.1"


def test_work_is_bounded() -> None:
    """Thousands of odd inputs against a thousand long operations are judged, and findings are bounded."""
    query = "&".join(f"a{n}=;{n};id" for n in range(5000))
    text = "echo " + " ".join(f";{n};id" for n in range(5000))
    record = get(query, *[("shell", f"{text} {n}") for n in range(300)])
    assert 0 < len(told(record).findings) <= 64


def test_settings_that_cannot_stand() -> None:
    """A judge is not built from bad settings."""
    with pytest.raises(ValueError, match="trusted_proxies: 'x'"):
        Judge(DetectSettings(trusted_proxies=("x",)))


def test_what_was_reached_is_kept_of_many_operations() -> None:
    """The operation that a finding is about is on the trace, however many came before it."""
    many = [("file", f"/srv/{number}") for number in range(300)]
    made = told(get("host=x%3Bid", *many, ("shell", "ping x;id")))
    assert len(made.operations) == 128
    assert made.operations[-1].text == "ping x;id"


COMMAND = "host=x;cat+/proc/version"


def test_an_attempt_is_asked_about_again() -> None:
    """Where something is found the answer is to be asked about, in block mode; where nothing is it is not."""
    assert JUDGE.verdict(Ask(get(COMMAND)), PROCESS, "block").again
    assert not JUDGE.verdict(Ask(get(COMMAND)), PROCESS, "monitor").again
    assert not JUDGE.verdict(Ask(get("host=books")), PROCESS, "block").again


def test_an_answer_after_an_operation_that_went_on() -> None:
    """What an input reached although nobody refused it in time does not get out, in block mode."""
    record = get(COMMAND, ("shell", "ping x;cat /proc/version"), status=200)
    assert [JUDGE.verdict(Ask(record), PROCESS, mode).action for mode in ("block", "monitor")] == ["block", "allow"]
    harmless = get(COMMAND, ("shell", "ping 'x;cat /proc/version'"), status=200)
    assert JUDGE.verdict(Ask(harmless), PROCESS, "block").action == "allow"


def test_an_answer_to_what_the_kernel_convicted() -> None:
    """It does not get out; what the request does before that goes on."""
    judge = Judge(DetectSettings())
    judge.convicted = {"1f2e3d4c5b6a7988"}
    asked = [Ask(get(COMMAND, status=status)) for status in (0, 200)]
    assert [judge.verdict(one, PROCESS, "block").action for one in asked] == ["allow", "block"]


def test_rules_at_an_operation() -> None:
    """A body that came since the last question is judged by the rules, where the agent says so."""
    judge = Judge(DetectSettings())
    judge.policy = Compiled(Policy(rules=(Rule("*", "block"),)))
    record = get(method="POST", body="host=x;cat+/proc/version", headers=FORM)
    operation = OperationRecord(0, "sql", text="SELECT 1")
    verdicts = [judge.verdict(Ask(record, operation, rules=rules), PROCESS, "block") for rules in (False, True)]
    assert [one.action for one in verdicts] == ["allow", "block"]


def test_what_is_told_of_a_refused_answer() -> None:
    """Every finding of a request that was stopped at the response is one that was blocked."""
    blocked = BlockedRecord("response", "1f2e3d4c5b6a7988")
    report = told(get(COMMAND, ("shell", "ping x;cat /proc/version"), status=403, blocked=blocked))
    assert {one.action for one in report.findings} == {Action.BLOCKED}
