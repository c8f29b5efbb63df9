"""A host of accounts of its own: an sshd on loopback in a mount namespace whose passwd, shadow and sudoers are ours."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.harness import free_port, wait_for

USER, UID, PASSWORD = "cowitness-tester", 47_110, "right horse"
BARRED = "cowitness-barred"
STRANGE = [f"strange_key_{number}" for number in range(7)]
"""Keys that nobody let in."""

SSHD = "/usr/sbin/sshd"
NEEDED = ("ssh", "sshpass", "ssh-keygen", "sudo", "openssl", "unshare", "nsenter", "setpriv", "setsid", "su", "login")
CONFIGURATION = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
PidFile none
UsePAM yes
PasswordAuthentication yes
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
MaxStartups 100
DenyUsers {barred}
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

    def ssh(self, command: str, password: str = "", user: str = USER, keys: Sequence[str] = ("user_key",)) -> int:
        """Log in and run the command there; the client's exit code (255: no login). With these keys, or a password."""
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "IdentitiesOnly=yes"]
        options += ["PubkeyAuthentication=no", "NumberOfPasswordPrompts=1"] if password else ["BatchMode=yes"]
        words = ["ssh", "-F", "none", "-p", str(self.port)] + [f"-i{self.folder / key}" for key in keys]
        words += [word for option in options for word in ("-o", option)] + [f"{user}@127.0.0.1", command]
        prefix = ["sshpass", "-p", password] if password else []
        return subprocess.run([*prefix, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=60).returncode

    def at_terminal(self, *words: str, uid: int = 0, typed: Sequence[tuple[str, str]]) -> int:
        """Run the command on a terminal of its own, among our accounts; `typed`: what to wait for, and the line that is
        typed then. Its exit code."""
        mine, its = pty.openpty()
        rights = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
        command = ["setsid", "--ctty", "--wait", "nsenter", f"--target={self.pid}", "--mount", *rights, *words]
        with open(mine, "r+b", buffering=0) as terminal:
            process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, cwd="/")
            os.close(its)
            for awaited, line in typed:
                seen = b""
                while awaited.encode() not in seen:
                    seen += terminal.read(1024)
                terminal.write(line.encode() + b"\n")
            with contextlib.suppress(OSError):  # at the end of a terminal
                while terminal.read(1024):
                    pass
            return process.wait(60)


@contextlib.contextmanager
def sshd(folder: Path) -> Iterator[Host]:
    """Start it; `folder` is a new one that everybody may enter."""
    port = free_port()
    for name in ("host_key", "user_key", *STRANGE):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    (folder / "authorized_keys").chmod(0o644)
    (folder / "sshd_config").write_text(CONFIGURATION.format(port=port, folder=folder, barred=BARRED))
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
    """The system's accounts and two more: one who may run everything as root without a password, one whom sshd does not
    let in."""
    digest = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True
    ).stdout.strip()
    users = tuple(enumerate((USER, BARRED), UID))
    templates = {
        "passwd": "{name}:x:{uid}:{uid}::{folder}:/bin/sh\n", "shadow": "{name}:{digest}:19000:0:99999:7:::\n",
        "group": "{name}:x:{uid}:\n",
    }  # fmt: skip
    for name, line in templates.items():
        ours = "".join(line.format(name=user, uid=uid, folder=folder, digest=digest) for uid, user in users)
        (folder / name).write_text(Path("/etc", name).read_text() + ours)
    (folder / "shadow").chmod(0o640)
    (folder / "sudoers").write_text(f"root ALL=(ALL) ALL\n{USER} ALL=(ALL) NOPASSWD: ALL\n")
    (folder / "sudoers").chmod(0o440)
