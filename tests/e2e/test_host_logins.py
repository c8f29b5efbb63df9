"""Logins to the host: a real sshd and sudo, by way of their PAM, as login events with what their sessions execute."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.accounts import BARRED, PASSWORD, STRANGE, UID, USER, Host, lacking, sshd
from tests.e2e.harness import Node, running_node, short_directory, wait_for

pytestmark = pytest.mark.xdist_group("host logins")
TURN = Path(tempfile.gettempdir(), "cowitness-tests-host-logins")
"""A node hears of everybody's logins: whoever brings some forth waits for this lock first."""

BURST = 1009
DENY = """
import ctypes, sys
pam = ctypes.CDLL("libpam.so.0")
class Conversation(ctypes.Structure):
    _fields_ = [("function", ctypes.c_void_p), ("data", ctypes.c_void_p)]
codes = set()
for number in range(int(sys.argv[2])):
    handle = ctypes.c_void_p()
    begun = (b"burst", b"user-%d" % number, ctypes.byref(Conversation()), sys.argv[1].encode(), ctypes.byref(handle))
    assert pam.pam_start_confdir(*begun) == 0
    pam.pam_set_item(handle, 4, b"203.0.113.9")
    codes.add(pam.pam_authenticate(handle, 0))
    pam.pam_end(handle, 7)
print(codes)
"""


@contextlib.contextmanager
def alone() -> Iterator[None]:
    with TURN.open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node whose probes listen to PAM; a host that has none skips, and says why."""
    with alone(), running_node() as one:
        if reason := one.unwitnessed():
            pytest.skip(f"no probes here: {reason}")
        able = {c["name"]: c for c in one.json("hosts")[0]["capabilities"]}["host_logins"]
        if not able.get("available"):
            pytest.skip(f"no host logins here: {able['reason']}")
        yield one


@pytest.fixture(scope="module")
def host(node: Node) -> Iterator[Host]:
    """An sshd, started after the node."""
    if missing := lacking():
        pytest.skip(missing)
    with short_directory() as folder:
        folder.chmod(0o755)
        with sshd(folder) as one:
            wait_for(lambda: latest(node, "--user", USER, "--outcome", "logout"), 60, "the end of the first session")
            yield one


def latest(node: Node, *words: str) -> dict[str, Any]:
    """The newest login event that these words ask for, or nothing."""
    return next(iter(node.logins(*words)), {})


def session_with(node: Node, login_id: str, argv: list[str]) -> dict[str, Any]:
    """The login event, once this has been executed in its session."""
    (login,) = node.json("login", login_id)
    return login if argv in ran(login) else {}


def ran(login: dict[str, Any]) -> list[list[str]]:
    return [event["argv"] for event in login.get("kernelEvents", [])]


@pytest.mark.parametrize("password", ["", PASSWORD], ids=["key", "password"])
def test_a_session(node: Node, host: Host, password: str) -> None:
    """A login by key or password says who, from where and by what service; its session's programs stand on it; its end
    is a logout that names it."""
    token = f"token-{len(password)}"
    assert host.ssh(f"/bin/echo {token}; exit 3", password) == 3

    def session() -> dict[str, Any] | None:
        found = node.logins("--user", USER, "--outcome", "success", "--service", "sshd")
        return next((one for one in found if ["/bin/echo", token] in ran(one)), None)

    login = wait_for(session, 60, "the session and what it ran")
    assert (login["framework"], login["clientAddress"]) == ("pam", "127.0.0.1")
    assert login["process"]["hostName"] == os.uname().nodename
    assert login["kernelPeer"]["address"] == "127.0.0.1"
    assert {event["userId"] for event in login["kernelEvents"] if event["argv"] == ["/bin/echo", token]} == {47_110}

    def ended() -> list[dict[str, Any]]:
        return [one for one in node.logins("--user", USER, "--outcome", "logout") if one["sessionId"] == login["id"]]

    assert len(wait_for(ended, 60, "the logout")) == 1


def test_sudo_names_the_session_it_is_in(node: Node, host: Host) -> None:
    """sudo to root is a login of its own that says whose session it happened in; what it runs is its own."""
    assert host.ssh("sudo -n /bin/echo as-root") == 0

    def elevated() -> dict[str, Any] | None:
        found = node.logins("--service", "sudo", "--outcome", "success")
        return next((one for one in found if ["/bin/echo", "as-root"] in ran(one)), None)

    login = wait_for(elevated, 60, "sudo's session")
    assert login["user"]["login"] == "root"
    assert login["metadata"]["remote_user"] == USER
    outer = node.json("login", login["sessionId"])[0]
    assert (outer["user"]["login"], outer["process"]["serviceName"]) == (USER, "sshd")
    assert ["sudo", "-n", "/bin/echo", "as-root"] in ran(outer)
    shown = node.cli("login", login["sessionId"]).stdout
    assert USER in shown
    assert "'as-root'" in shown


@pytest.mark.parametrize(("user", "reason"), [(USER, "authentication failure"), ("nobody-here", "user unknown")])
def test_a_wrong_password(node: Node, host: Host, user: str, reason: str) -> None:
    """It is one failure, with PAM's reason and the remote address; the password stands nowhere."""
    asked = ("--user", user, "--outcome", "failure", "--service", "sshd")
    before = {one["id"] for one in node.logins(*asked)}
    assert host.ssh("true", "wrong-secret-word", user) in (5, 255)
    (login,) = wait_for(lambda: [one for one in node.logins(*asked) if one["id"] not in before], 60, "the failure")
    assert (login["clientAddress"], login["process"]["serviceName"]) == ("127.0.0.1", "sshd")
    assert login["metadata"]["step"] == "authenticate"
    assert login["metadata"]["reason"] in (reason, "authentication failure")
    assert host.ssh("true", user="afterwards", keys=STRANGE[:1]) == 255
    wait_for(lambda: latest(node, "--user", "afterwards"), 60, "a sign of the end")
    assert {one["id"] for one in node.logins(*asked)} - before == {login["id"]}
    assert not any(b"wrong-secret-word" in path.read_bytes() for path in node.state_dir.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("user", "keys", "refused"),
    [(USER, 1, 1), ("no-such-user", 2, 2), (BARRED, 1, 1), ("root", 0, 0), (USER, len(STRANGE), 6)],
    ids=["key", "unknown", "barred", "left", "too-many"],
)
def test_a_refused_key(node: Node, host: Host, user: str, keys: int, refused: int) -> None:
    """Keys that sshd refuses by itself are one failure for each connection, with user, address and their number; so is
    a user whom it lets in by no means, and a client that leaves after its name."""
    before = {one["id"] for one in node.logins("--user", user)}
    assert host.ssh("true", user=user, keys=STRANGE[:keys] or ["no-such-key"]) == 255

    def told() -> list[dict[str, Any]]:
        fresh = [one for one in node.logins("--user", user) if one["id"] not in before]
        return [one for one in fresh if one["outcome"] != "LOGIN_OUTCOME_LOGOUT"]  # a session of before may end now

    (login,) = wait_for(told, 60, "the failure")
    assert (login["outcome"], login["clientAddress"], login["process"]["serviceName"]) == (
        "LOGIN_OUTCOME_FAILURE", "127.0.0.1", "sshd",
    )  # fmt: skip
    assert login["kernelPeer"]["address"] == "127.0.0.1"
    said = "refused by sshd itself" if refused else "given up, or refused without a password"
    assert (login["metadata"]["reason"], login["metadata"]["step"]) == (said, "end")
    assert int(login["metadata"].get("refused", 0)) == refused


def test_a_key_after_a_refused_one(node: Node, host: Host) -> None:
    """Who gets in by the second key has logged in, and has not failed; nor has who leaves again."""
    before = {one["id"] for one in node.logins("--user", USER)}
    assert host.ssh("true", keys=[STRANGE[0], "user_key"]) == 0

    def told() -> list[str]:
        return sorted(one["outcome"] for one in node.logins("--user", USER) if one["id"] not in before)

    wait_for(lambda: {"LOGIN_OUTCOME_LOGOUT", "LOGIN_OUTCOME_SUCCESS"} <= set(told()), 60, "login and logout")
    assert [one for one in told() if one != "LOGIN_OUTCOME_LOGOUT"] == ["LOGIN_OUTCOME_SUCCESS"]


def test_a_burst_of_refused_keys(node: Node, host: Host) -> None:
    """Of 1,009 connections that sshd refuses, sixteen at a time, each is told once."""
    with ThreadPoolExecutor(16) as pool:
        codes = set(pool.map(lambda number: host.ssh("true", user=f"key-{number}", keys=STRANGE[:1]), range(BURST)))
    assert codes == {255}

    def told() -> Counter[str]:
        found = node.logins("--service", "sshd", "--outcome", "failure")
        return Counter(one["user"]["login"] for one in found if one["user"]["login"].startswith("key-"))

    wait_for(lambda: told().total() >= BURST, 60, f"{BURST} failures")
    assert told() == {f"key-{number}": 1 for number in range(BURST)}


@pytest.mark.parametrize("password", [PASSWORD, "wrong"], ids=["right", "wrong"])
def test_su_to_another_user(node: Node, host: Host, password: str) -> None:
    """su from one user to another asks for the other's password: who it was, to whom, and on which terminal; the
    session's programs stand on it."""
    words = ("su", BARRED, "-c", "/bin/echo by-su; exit 3")
    assert host.at_terminal(*words, uid=UID, typed=[("assword:", password)]) == (3 if password == PASSWORD else 1)
    outcome = "success" if password == PASSWORD else "failure"
    login = wait_for(lambda: latest(node, "--service", "su", "--outcome", outcome), 60, "su's answer")
    assert login["user"]["login"] == BARRED
    assert login["metadata"]["remote_user"] == USER
    assert login["metadata"]["tty"].startswith(("pts/", "/dev/pts/"))
    assert login["clientAddress"] == ""
    if outcome == "success":
        wait_for(partial(session_with, node, login["id"], ["/bin/echo", "by-su"]), 60, "what it ran")
    else:
        assert login["metadata"]["step"] == "authenticate"


def test_login_on_a_terminal(node: Node, host: Host) -> None:
    """A wrong password at login's prompt is a failure, the right one a session with its programs; su within it names
    that session; all of it carries the uid of who logged in."""
    typed = [("assword:", "wrong"), ("login:", USER), ("assword:", PASSWORD)]
    inner = [("$ ", f"su {BARRED} -c /bin/whoami"), ("assword:", PASSWORD), ("$ ", "exit 3")]
    host.at_terminal("login", USER, typed=[*typed, *inner])
    failure, login, nested = (
        wait_for(partial(latest, node, "--service", service, "--outcome", outcome, "--user", user), 60, service)
        for service, outcome, user in (
            ("login", "failure", USER), ("login", "success", USER), ("su", "success", BARRED),
        )
    )  # fmt: skip
    assert failure["metadata"]["step"] == "authenticate"
    outer = wait_for(partial(session_with, node, login["id"], ["su", BARRED, "-c", "/bin/whoami"]), 60, "what it ran")
    assert {event["loginUserId"] for event in outer["kernelEvents"]} == {UID}
    nested = wait_for(partial(session_with, node, nested["id"], ["/bin/whoami"]), 60, "what su ran")
    assert (nested["sessionId"], nested["metadata"]["login_uid"]) == (login["id"], str(UID))
    event = next(one for one in nested["kernelEvents"] if one["argv"] == ["/bin/whoami"])
    assert (event["userId"], event["loginUserId"]) == (UID + 1, UID)


def test_a_burst_of_failures(node: Node, tmp_path: Path) -> None:
    """Of 1,009 failures in a row each is told once, with its own user."""
    for name in ("burst", "other"):
        (tmp_path / name).write_text("auth required pam_deny.so\n")
    words = [sys.executable, "-c", DENY, str(tmp_path), str(BURST)]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "{7}\n"
    wait_for(lambda: len(node.logins("--service", "burst")) >= BURST, 60, f"{BURST} failures")
    found = node.logins("--service", "burst")
    assert Counter(one["user"]["login"] for one in found) == {f"user-{number}": 1 for number in range(BURST)}
    assert {(one["outcome"], one["clientAddress"]) for one in found} == {("LOGIN_OUTCOME_FAILURE", "203.0.113.9")}
