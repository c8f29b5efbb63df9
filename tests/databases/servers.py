"""Real PostgreSQL and MariaDB servers on loopback, in a folder of their own, as users without rights."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.harness import free_port, wait_for

PASSWORD = "shop"
TABLES = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(40), age INTEGER);
INSERT INTO users VALUES (1, 'ada', 36), (2, 'alan', 41), (3, 'grace', 85);
"""


class MissingError(Exception):
    """This machine has no such server."""


@dataclass(frozen=True)
class Server:
    """What a client needs."""

    kind: str
    port: int
    user: str = "shop"
    password: str = PASSWORD
    database: str = "shop"
    host: str = "127.0.0.1"


@contextlib.contextmanager
def postgresql() -> Iterator[Server]:
    """A cluster of its own; raises MissingError."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not programs:
        raise MissingError("no PostgreSQL server on this machine")
    binary = programs[-1].parent
    with _folder("postgres") as folder:
        _run("postgres", binary / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "--no-sync")
        port = free_port()
        settings = ["-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-k", folder]
        with _daemon("postgres", [binary / "postgres", "-D", folder / "data", *settings], folder):
            client = [binary / "psql", "-h", "127.0.0.1", "-p", port, "-q", "-v", "ON_ERROR_STOP=1"]
            admin = [*client, "-U", "postgres"]
            wait_for(lambda: _answers([*admin, "-c", "SELECT 1"]), 30, "PostgreSQL")
            _run("postgres", *admin, "-c", f"CREATE ROLE shop LOGIN PASSWORD '{PASSWORD}'")
            _run("postgres", *admin, "-c", "CREATE DATABASE shop OWNER shop")
            _run("postgres", *client, "-U", "shop", "-d", "shop", "-c", TABLES)
            yield Server("postgresql", port)


@contextlib.contextmanager
def mariadb() -> Iterator[Server]:
    """A data directory of its own; raises MissingError."""
    if not (program := shutil.which("mariadbd", path="/usr/sbin:/usr/bin")):
        raise MissingError("no MariaDB server on this machine")
    with _folder("mysql") as folder:
        scratch = f"--tmpdir={folder}"  # two installations in one /tmp take each other's tables away
        made = ["--no-defaults", scratch, f"--datadir={folder}/data", "--auth-root-authentication-method=normal"]
        _run("mysql", "mariadb-install-db", *made)
        port, socket = free_port(), folder / "s"
        settings = ["--no-defaults", scratch, f"--datadir={folder}/data", f"--socket={socket}", f"--port={port}"]
        quick = ["--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0", f"--pid-file={folder}/pid"]
        with _daemon("mysql", [program, *settings, *quick], folder):
            admin = ["mariadb", "--no-defaults", f"--socket={socket}", "-u", "root"]
            wait_for(lambda: _answers([*admin, "-e", "SELECT 1"]), 30, "MariaDB")
            user = f"CREATE USER shop@localhost IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO shop@localhost;"
            _run("mysql", *admin, "-e", f"CREATE DATABASE shop; {user} USE shop; {TABLES}")
            yield Server("mariadb", port)


@contextlib.contextmanager
def _folder(user: str) -> Iterator[Path]:
    """A folder that belongs to a user of the server's package."""
    path = Path(tempfile.mkdtemp(prefix=f"cw-{user}-"))
    with contextlib.suppress(KeyError):
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _as(user: str, words: tuple[object, ...] | list[object]) -> list[str]:
    """The command as that user, where we are root and may be anybody: the servers refuse root."""
    command = [str(word) for word in words]
    if os.getuid():
        return command
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]


def _run(user: str, *words: object) -> None:
    done = subprocess.run(_as(user, words), capture_output=True, text=True, timeout=120, cwd="/")
    if done.returncode:
        raise RuntimeError(f"{words[0]}: {done.stdout[-1000:]}{done.stderr[-2000:]}")


def _answers(words: list[object]) -> bool:
    return not subprocess.run([str(w) for w in words], capture_output=True, timeout=30, check=False).returncode


@contextlib.contextmanager
def _daemon(user: str, words: list[object], folder: Path) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_as(user, words), stdout=log, stderr=log, cwd="/")
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT if "postgres" in user else signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
