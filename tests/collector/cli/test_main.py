"""The commands, their words and their exit codes."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from collector import config
from collector.cli import client
from collector.model import Agent, Capability, Edge, Hook, Host, Peer, PoliciesInForce, Process, User, Verdict
from probes.vocabulary import Policy
from tests.collector.cli.conftest import COMMAND, Shell
from tests.collector.records import START, confirmed, login, trace

COMMANDS = (
    "up", "traces", "trace", "login", "logins", "agents", "hosts", "policy", "block", "unblock", "pass", "blocked",
    "edges", "enforce", "executables", "behaviour", "watch", "doctor", "config", "version",
)  # fmt: skip
COMMON = {"--json", "--run-dir"}
"""Options that the manual explains once for all."""


def test_help_is_quick_because_it_imports_little() -> None:
    """`--help` names every command and loads none of the heavy libraries."""
    code = (
        "import sys\nfrom collector.cli.main import main\nsys.argv = ['cowitness', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('grpc', 'google.protobuf', 'rich', 'structlog', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_traces_as_documents(shell: Shell) -> None:
    """--json is the API's JSON, one document a line, every field there, newest first."""
    shell.node.put([trace(1), confirmed()])
    first, second = shell.json("traces")
    assert [first["id"], second["id"]] == [trace(1).id, confirmed().id]
    assert second["verdict"] == "VERDICT_CONFIRMED"
    assert second["request"]["urlPath"] == "/ping"
    assert second["request"]["kernelPeer"] == {"address": "127.0.0.1", "port": 50010}
    assert (first["kernelEvents"], first["unwitnessed"], first["request"]["bodySize"]) == ([], False, "0")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--verdict", "reached"), [3, 2]),
        (("--verdict", "confirmed"), [3]),
        (("--service", "other"), [4]),
        (("--address", "198.51.100.1"), [5]),
        (("--user", "bob"), [5]),
        (("--category", "sql_injection"), [6]),
        (("--limit", "2"), [6, 5]),
        (("--since", "2026-09-21T14:13:25Z"), [6, 5]),
        (("--until", "2026-09-21T14:13:22+00:00"), [1, 0]),
        (("--since", "1s"), []),
        (("--service", "' or 1=1"), []),
    ],
)  # fmt: skip
def test_filters_of_traces(shell: Shell, words: tuple[str, ...], expected: list[int]) -> None:
    """Each option selects what it says."""
    shell.node.put([
        trace(0), trace(1), trace(2, Verdict.REACHED), trace(3, Verdict.CONFIRMED),
        trace(4, process=Process(service="other")),
        trace(5, client_address="198.51.100.1", user=User("9", "bob")), trace(6, category="sql_injection"),
    ])  # fmt: skip
    assert [document["id"] for document in shell.json("traces", *words)] == [trace(n).id for n in expected]


def test_as_many_pages_as_it_takes(shell: Shell) -> None:
    """A limit above the API's page size gives everything, once."""
    count = client.PAGE * 2 + 7
    shell.node.put([trace(number) for number in range(count)])
    assert len({document["id"] for document in shell.json("traces", "--limit", "100000")}) == count
    assert len(shell.json("traces", "--limit", str(client.PAGE + 1))) == client.PAGE + 1
    assert len(shell.json("traces")) == 100


def test_logins(shell: Shell) -> None:
    """Logins are listed and selected by outcome; a forged header is told."""
    shell.node.put([], [login(1), login(2, "failure", forged_forwarding=True), login(3, "logout")])
    assert [document["outcome"] for document in shell.json("logins")] == [
        "LOGIN_OUTCOME_LOGOUT", "LOGIN_OUTCOME_FAILURE", "LOGIN_OUTCOME_SUCCESS",
    ]  # fmt: skip
    assert [document["id"] for document in shell.json("logins", "--outcome", "failure")] == [login(2).id]
    assert "forged forwarding header" in " ".join(shell.out("logins").split())


def test_one_trace(shell: Shell) -> None:
    """By prefix: as a page and as a document."""
    shell.node.put([confirmed()])
    assert "CONFIRMED  command_injection" in shell.out("trace", "00000000ab")
    assert [document["id"] for document in shell.json("trace", "00000000ab")] == [confirmed().id]


def test_agents_and_hosts(shell: Shell) -> None:
    """Both are listed, with what is wrong with them."""
    hooks = (Hook("sqlite3.connect", "installed"), Hook("os.system", "failed", "it was replaced"))
    shell.node.view.agent_list = [
        Agent(Process(pid=77, service="shop"), connected=True, connect_time=START, hooks=hooks)
    ]
    capabilities = (Capability("bcc", False, "not installed"),)
    shell.node.view.host_list = [
        Host("box", probes_reason="no root", capabilities=capabilities, counters={"memory.core": 3 << 20})
    ]
    agents, hosts = (" ".join(shell.out(name).split()) for name in ("agents", "hosts"))
    for word in ("77", "shop", "connected", "unwatched", "1 of 2", "os.system: it was replaced"):
        assert word in agents
    for word in ("box", "no root", "bcc no not installed", "3.0 MiB"):
        assert word in hosts
    assert shell.json("agents")[0]["process"]["serviceName"] == "shop"
    assert shell.json("hosts")[0]["probesRunning"] is False


def test_edges(shell: Shell) -> None:
    """Services by their names, what is elsewhere by its address."""
    where = Peer("10.0.0.2", 8080)
    shell.node.view.edge_list = [
        Edge("front", "back", "", where, 1234, START, START), Edge("", "front", "203.0.113.9", where, 1, START, START),
    ]
    shown = " ".join(shell.out("edges").split())
    for word in ("front back 10.0.0.2:8080 1,234", "203.0.113.9 (elsewhere) front"):
        assert word in shown
    assert [edge["clientServiceName"] for edge in shell.json("edges")] == ["front", ""]


def test_nothing_found(shell: Shell) -> None:
    """An empty list is said on standard error, so that a pipe gets nothing."""
    for words in (("traces",), ("logins",), ("agents",), ("hosts",), ("edges",)):
        done = shell.run(*words)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.startswith("no ")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("traces", "--verdict", "perhaps"), 2, "perhaps"),
        (("traces", "--since", "soonish"), 2, "--since: 'soonish'"),
        (("traces", "--since", "99999999d"), 2, "--since"),
        (("traces", "--since", ""), 2, "--since"),
        (("traces", "--since", "1h", "--until", "2h"), 2, "filter.end_time"),
        (("traces", "--limit", "-1"), 2, "--limit"),
        (("traces", "--limit", "many"), 2, "--limit"),
        (("trace", "ffffffffffffffff"), 4, "ffffffffffffffff"),
        (("trace", "../../x"), 2, "'../../x'"),
        (("trace", "0000"), 2, "0000000000000001, 0000000000000002"),
        (("trace", "\x1b[2Jx"), 2, "'\\x1b[2Jx'"),
        (("logins", "--outcome", "maybe"), 2, "maybe"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_words_that_mean_nothing(shell: Shell, words: tuple[str, ...], code: int, said: str) -> None:
    """A mistake is named in one clear message on standard error, with its exit code, and never as a traceback."""
    shell.node.put([trace(1), trace(2)])
    done = shell.run(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("words", [("traces",), ("trace", "abcd"), ("logins",), ("agents",), ("hosts",), ("watch",)])
def test_no_collector(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Without a collector a command says where it looked and how to start one, and ends with 3."""
    done = subprocess.run([*COMMAND, *words, "--run-dir", str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 3
    assert str(tmp_path / "api.sock") in done.stderr
    assert "cowitness up" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_socket_that_nobody_listens_on() -> None:
    """What a killed daemon left behind is told apart from an answer."""
    with tempfile.TemporaryDirectory(prefix="cw-") as directory:
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(f"{directory}/api.sock")
        done = subprocess.run([*COMMAND, "agents", "--run-dir", directory], capture_output=True, text=True, timeout=30)
        assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
        assert "no collector answers" in done.stderr


def test_a_reader_that_goes_away(shell: Shell) -> None:
    """`cowitness traces --json | head -1` ends quietly."""
    shell.node.put([trace(number, query="x" * 1000) for number in range(1000)])
    running = shell.start("traces", "--json", "--limit", "1000")
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.readline()
    running.stdout.close()
    assert running.stderr.read() == ""
    running.wait(20)
    running.stderr.close()


def test_config(tmp_path: Path) -> None:
    """`config` prints what is in force as a file, flags included; --docs prints the documentation."""
    path = tmp_path / "c.toml"
    path.write_text("[store]\nretention_days = 5\n")
    words = ["config", "--config", str(path), "--state-dir", "/s", "--run-dir", "/r"]
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=30)
    settings = config.parse(done.stdout, "printed")
    assert (settings.store.retention_days, settings.paths.state_dir, settings.paths.run_dir) == (5, "/s", "/r")
    docs = subprocess.run([*COMMAND, "config", "--docs"], capture_output=True, text=True, timeout=30)
    assert docs.stdout == config.documentation()


def test_up_with_a_configuration_that_cannot_stand(tmp_path: Path) -> None:
    """One line that names file and setting, and exit code 2."""
    path = tmp_path / "c.toml"
    path.write_text("[store]\nretention_dayz = 5\n")
    done = subprocess.run([*COMMAND, "up", "--config", str(path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert done.stderr == f"cowitness: {path}: there is no setting store.retention_dayz; did you mean retention_days?\n"


def test_the_manual_names_every_command_and_option() -> None:
    """docs/cli.md has a section for each command, and in it each of its options."""
    manual = (Path(__file__).resolve().parents[3] / "docs" / "cli.md").read_text()
    sections = {part.split("`")[1].split()[1]: part for part in manual.split("\n## ")[1:] if part[0] == "`"}
    assert sorted(sections) == sorted(COMMANDS)
    for name in COMMANDS:
        shown = subprocess.run([*COMMAND, name, "--help"], capture_output=True, text=True, timeout=30).stdout
        options = set(re.findall(r"(--[a-z-]+)", shown)) - {"--help"}
        missing = {option for option in options if f"`{option}" not in sections[name]}
        assert missing - COMMON == set(), name


def test_enforce(shell: Shell) -> None:
    """It shows the policies and what of them is not in force, and switches; another word is refused."""
    policy = Policy("shop-kernel", "enforce", execute="no-shells", connect="no-private", networks=("10.0.0.0/8",))
    shell.node.view.enforcement = PoliciesInForce("enforce", "no cgroups here", (("shop", policy),))
    shown = " ".join(shell.out("enforce").split())
    for words in ("mode enforce", "not in force: no cgroups here", "shop-kernel", "no-shells", "10.0.0.0/8"):
        assert words in shown
    assert shell.json("enforce", "observe")[0]["mode"] == "observe"
    assert shell.node.view.enforcement.mode == "observe"
    assert shell.run("enforce", "on").returncode == 2


def test_version() -> None:
    """The version is one line."""
    done = subprocess.run([*COMMAND, "version"], capture_output=True, text=True, timeout=30)
    assert done.stdout.startswith("cowitness ")
    assert len(done.stdout.splitlines()) == 1
