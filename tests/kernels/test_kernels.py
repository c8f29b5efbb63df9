"""The probes on a kernel with what this machine's may lack: kprobes, fentry, the BPF LSM."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.kernels.guest import Done, run_in
from tests.kernels.packages import kernel
from tests.kernels.report import OFFERS, Seen, read, table
from tests.packages import UnobtainableError

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 1500
DENIED = (
    "test_enforcement.py::test_every_execution_is_stopped_before_its_effect", "test_enforcement.py::test_no_shells",
    "test_enforcement.py::test_listed_programs", "test_files_policy.py::test_every_read_is_stopped",
    "test_files_policy.py::test_every_write_is_stopped", "test_files_changes.py::test_directories_that_lead_to_a_file",
    "test_files_changes.py::test_by_links_of_directories", "test_pam.py::test_sessions_are_watched",
    "test_turns.py",
)  # fmt: skip
"""What differs there, or did not load there once; `make kernels` runs all."""

GUEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]

pytestmark = pytest.mark.xdist_group("guests")


def in_guest(*command: str) -> Done:
    """Run it under the kernel of Debian 12; skips where that cannot be."""
    try:
        return run_in(kernel("bookworm"), command, ROOT, SECONDS)
    except UnobtainableError as error:
        pytest.skip(str(error))


def test_denied_by_the_lsm() -> None:
    """Policies hold where the kernel's LSM denies executions, and the capability is told."""
    done = in_guest(*OFFERS)
    assert done.status == 0, done.output
    said = json.loads(done.output.splitlines()[-1])
    assert said["release"].startswith("6.1")
    assert {name: said["kernel"][name] for name in ("kprobe", "fentry", "BPF LSM")} == dict.fromkeys(
        ("kprobe", "fentry", "BPF LSM"), ""
    )
    assert said["probes"]["deny_executions"] == ""
    done = in_guest(*GUEST, *(f"tests/probes/{name}" for name in DENIED))
    assert (done.status, "skipped" in done.output) == (0, False), done.output


def test_a_failing_command_is_told() -> None:
    """Its status and its words come out of the guest; what it wrote elsewhere does not."""
    place = ROOT / "left-behind"
    done = in_guest("sh", "-c", f"echo seen; touch {place}; ls {place}; exit 7")
    assert (done.status, done.output) == (7, f"seen\n{place}\n")
    assert not place.exists()


def test_page() -> None:
    """A kernel's cells come from what it offers and from pytest's last line; reasons stand below."""
    offers = json.dumps({"release": "6.1", "kernel": {"kprobe": ""}, "probes": {"btf": "not published"}})
    seen = read(f"noise\n{offers}\n", "...\n===== 3 passed, 1 skipped in 2.00s =====\n", 0)
    assert seen == Seen("6.1", {"kprobe": "yes", "btf": "no", "tests": "3 passed, 1 skipped"}, {"btf": "not published"})
    assert "| kprobe | yes |" in table([seen])
    assert "- 6.1, btf: not published" in table([seen])
