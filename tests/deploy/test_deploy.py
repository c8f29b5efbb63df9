"""What deploy/ names is really there: commands, flags, settings, directories."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from collector.config import load, parse
from collector.settings import DEFAULT_RUN_DIR

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNIT = DEPLOY / "systemd" / "cowitness.service"
SHIPPED = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file()]


def test_the_example_configuration_loads() -> None:
    """Every setting of the file that is installed is one that the daemon knows."""
    settings = load(DEPLOY / "systemd" / "cowitness.toml")
    assert str(settings.run_dir) == DEFAULT_RUN_DIR


def test_the_configuration_of_the_manifest_loads() -> None:
    """So is every setting in the DaemonSet's ConfigMap."""
    text = (DEPLOY / "kubernetes" / "daemonset.yaml").read_text()
    block = re.search(r"cowitness\.toml: \|\n((?:    .*\n)+)", text)
    assert block
    assert parse(textwrap.dedent(block[1]), "daemonset.yaml").detect.trusted_proxies == ("10.0.0.0/8",)


@pytest.mark.parametrize("name", ["systemd/cowitness.service", "docker/Dockerfile", "kubernetes/daemonset.yaml"])
def test_flags_exist(name: str) -> None:
    """The flags with which the daemon is started are flags of `cowitness up`."""
    text = (DEPLOY / name).read_text()
    lines = [line for line in text.splitlines() if re.search(r"cowitness up |\"up\"", line)]
    flags = set(re.findall(r"--[a-z-]+", " ".join(lines)))
    assert flags == {"--config"}
    shown = subprocess.run(
        [str(Path(sys.executable).with_name("cowitness")), "up", "--help"], capture_output=True, text=True, timeout=60
    )
    assert all(flag in shown.stdout for flag in flags)


@pytest.mark.parametrize("path", [p for p in SHIPPED if p.suffix in (".yaml", ".service")], ids=lambda p: p.name)
def test_directories_agree(path: Path) -> None:
    """Sockets are where agents and command line look for them without being told."""
    text = path.read_text()
    assert DEFAULT_RUN_DIR in text or "RuntimeDirectory=cowitness" in text
    assert set(re.findall(r"(/run/[a-z]+)", text)) <= {DEFAULT_RUN_DIR}


def test_the_unit_is_a_unit() -> None:
    """systemd finds nothing to say about it, but that the daemon is not installed here."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze on this machine")
    done = subprocess.run(["systemd-analyze", "verify", str(UNIT)], capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if "cowitness" in line and "is not executable" not in line]
    assert said == []


def test_the_script_parses() -> None:
    """install.sh is a script that a POSIX shell reads."""
    assert subprocess.run(["sh", "-n", str(DEPLOY / "install.sh")], timeout=30).returncode == 0
