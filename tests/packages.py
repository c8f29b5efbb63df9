"""Packages of the distribution's other releases: fetched through apt with a state of its own, nothing is installed.

apt takes the mirror that this machine is set up with and checks the signatures.
"""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class UnobtainableError(Exception):
    """Not to be had here, and why."""


def private_state(state: Path, suite: str, architecture: str) -> list[str]:
    """Options that make apt use a list of one suite and a system on which nothing is installed; `state` is a new
    folder."""
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb {_mirror()} {suite} main\n")
    settings = {
        "Dir::Etc::sourcelist": state / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null", "Dir::Etc::preferences": "/dev/null",
        "Dir::State": state, "Dir::State::status": state / "status", "Dir::Cache": state,
        "APT::Architecture": architecture, "APT::Architectures": architecture, "APT::Sandbox::User": "root",
        "Acquire::Languages": "none", "Acquire::Retries": "2",
    }  # fmt: skip
    return ["-q", *(word for key, value in settings.items() for word in ("-o", f"{key}={value}"))]


def download(options: Sequence[str], package: str, folder: Path) -> Path:
    """One package into the folder, without what it needs."""
    run("apt-get", *options, "download", package, folder=folder)
    return next(folder.glob(f"{package}_*.deb"))


def _mirror() -> str:
    """Where apt gets this machine's own release from, and the distribution's keys for it."""
    wanted = ("Created-By: Packages", "Component: main")
    lines = run("apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", *wanted).splitlines()
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    for suite, address in (line.split(" ", 1) for line in lines):
        if suite == release:
            return f"[signed-by={KEYRING}] {address}" if KEYRING.exists() else address
    raise UnobtainableError(f"apt has no source for {release or 'this system'}")


def run(*words: str, folder: Path | None = None) -> str:
    """What a command prints; raises UnobtainableError with its last words where it fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, cwd=folder)
    except subprocess.TimeoutExpired as error:
        raise UnobtainableError(f"{words[0]} took more than 300 s") from error
    if done.returncode:
        said = re.sub(r"\w+://\S+", "the mirror", done.stderr.strip().split("\n")[0])
        raise UnobtainableError(f"{words[0]}: {said[:200] or done.returncode}")
    return done.stdout
