"""The commands, their words and their exit codes."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from collector import config, config_text
from collector.inventory import PoliciesInForce
from probes.vocabulary import Policy
from tests.collector.cli.conftest import COMMAND, Shell

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


def test_config(tmp_path: Path) -> None:
    """`config` prints what is in force as a file, flags included; --docs prints the documentation."""
    path = tmp_path / "c.toml"
    path.write_text("[store]\nretention_days = 5\n")
    words = ["config", "--config", str(path), "--state-dir", "/s", "--run-dir", "/r"]
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=30)
    settings = config.parse(done.stdout, "printed")
    assert (settings.store.retention_days, settings.paths.state_dir, settings.paths.run_dir) == (5, "/s", "/r")
    docs = subprocess.run([*COMMAND, "config", "--docs"], capture_output=True, text=True, timeout=30)
    assert docs.stdout == config_text.documentation()


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
