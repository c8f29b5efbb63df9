"""A host of accounts of its own: an sshd on loopback in a mount namespace whose passwd, shadow and sudoers are ours."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.harness import free_port, wait_for

USER, UID, PASSWORD = "cowitness-tester", 47_110, "right horse"
SSHD, NEEDED = "/usr/sbin/sshd", ("ssh", "sshpass", "ssh-keygen", "sudo", "openssl", "unshare")
CONFIGURATION = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
PidFile none
UsePAM yes
PasswordAuthentication yes
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
MaxStartups 100
LogLevel ERROR
"""
ENTER = """set -e
for name in passwd shadow group sudoers; do mount --bind "$1/$name" "/etc/$name"; done
exec {sshd} -D -e -f "$1/sshd_config"
"""


def lacking() -> str:
    """What of the programs is not here; empty where all are."""
    missing = [name for name in NEEDED if not shutil.which(name)] + [SSHD] * (not os.path.exists(SSHD))
    return "" if os.geteuid() == 0 and not missing else f"needs root and {', '.join(missing)}"


@dataclass
class Host:
    """The sshd: its port and process, and the folder with its keys."""

    port: int
    pid: int
    folder: Path

    def ssh(self, command: str, password: str = "", user: str = USER) -> int:
        """Log in and run the command there; the client's exit code (255: no login). With the key, or a password."""
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        options += ["PubkeyAuthentication=no", "NumberOfPasswordPrompts=1"] if password else ["BatchMode=yes"]
        words = ["ssh", "-F", "none", "-p", str(self.port), "-i", str(self.folder / "user_key")]
        words += [word for option in options for word in ("-o", option)] + [f"{user}@127.0.0.1", command]
        prefix = ["sshpass", "-p", password] if password else []
        return subprocess.run([*prefix, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=60).returncode


@contextlib.contextmanager
def sshd(folder: Path) -> Iterator[Host]:
    """Start it; `folder` is a new one that everybody may enter."""
    port = free_port()
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    (folder / "authorized_keys").chmod(0o644)
    (folder / "sshd_config").write_text(CONFIGURATION.format(port=port, folder=folder))
    _accounts(folder)
    Path("/run/sshd").mkdir(exist_ok=True)
    words = ["unshare", "--mount", "sh", "-c", ENTER.format(sshd=SSHD), "sh", str(folder)]
    with (folder / "sshd.log").open("w") as log, subprocess.Popen(words, stdout=log, stderr=log) as process:
        host = Host(port, process.pid, folder)
        try:
            wait_for(lambda: process.poll() is not None or host.ssh("true") == 0, 30, "sshd")
            assert process.poll() is None, (folder / "sshd.log").read_text()
            yield host
        finally:
            process.terminate()


def _accounts(folder: Path) -> None:
    """The system's accounts and one more, who may run everything as root without a password."""
    digest = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True
    ).stdout.strip()
    lines = {
        "passwd": f"{USER}:x:{UID}:{UID}::{folder}:/bin/sh\n", "shadow": f"{USER}:{digest}:19000:0:99999:7:::\n",
        "group": f"{USER}:x:{UID}:\n",
    }  # fmt: skip
    for name, line in lines.items():
        (folder / name).write_text(Path("/etc", name).read_text() + line)
    (folder / "shadow").chmod(0o640)
    (folder / "sudoers").write_text(f"root ALL=(ALL) ALL\n{USER} ALL=(ALL) NOPASSWD: ALL\n")
    (folder / "sudoers").chmod(0o440)
