"""The policy at run time, seen by a client: who is refused, with what, since when and until when."""

from __future__ import annotations

import json
import textwrap
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import App, Node, free_port, running_app, running_node, wait_for

APP = textwrap.dedent("""
    import os
    import subprocess
    import pyagent
    from flask import Flask, request

    app = Flask(__name__)

    @app.before_request
    def who():
        if "user" in request.args:
            pyagent.track_user(request.args["user"])

    @app.route("/")
    @app.route("/file/<path:name>")
    def index(name=""):
        open(os.environ["SEEN"], "a").write(request.full_path + "\\n")
        return "served"

    @app.route("/run")
    def run():
        try:
            return subprocess.check_output("echo " + request.args["word"], shell=True)
        except Exception as error:
            return "caught"
""")
ATTACK = "/run?word=x%3Bcat+/proc/version"
CLIENT = "127.0.0.1"


@pytest.fixture
def node() -> Iterator[Node]:
    with running_node("--no-probes") as one:
        yield one


@pytest.fixture
def app(node: Node, tmp_path: Path) -> Iterator[App]:
    """Two workers whose mode nobody set."""
    with serving(node, tmp_path) as one:
        yield one


def serving(node: Node, folder: Path, **variables: str) -> Any:
    (folder / "victim.py").write_text(APP)
    port = free_port()
    words = f"gunicorn -w 2 -k gthread --threads 4 -b 127.0.0.1:{port} victim:app".split()
    return running_app(
        node, words, port, folder, COWITNESS_SERVICE="shop", COWITNESS_DEADLINE_MS="1000", SEEN=str(folder / "seen"),
        **variables,
    )  # fmt: skip


def asked(app: App, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, bytes]:
    return app.answer(urllib.request.Request(app.base + path, headers=headers, method=method))


def statuses(app: App, path: str = "/") -> set[int]:
    """Of enough requests that every worker has had some."""
    return {asked(app, path)[0] for _ in range(12)}


def change(node: Node, *words: str) -> dict[str, Any]:
    """Run a command that changes the policy; it must be in force everywhere afterwards."""
    found: dict[str, Any] = node.json(*words)[0]
    assert found["applied"]
    wait_for(lambda: obeyed(node, int(found["version"])), 30, f"agents at version {found['version']}")
    return found


def obeyed(node: Node, version: int) -> bool:
    return all(int(one["policyVersion"]) >= version for one in node.json("agents") if one["connected"])


def test_an_address_is_refused(node: Node, app: App, tmp_path: Path) -> None:
    """From the command on, in monitor mode that nobody set; with an id that leads to the trace and its reason; the view
    never ran; taken off the list it is served again."""
    assert statuses(app) == {200}
    change(node, "block", "127.0.0.0/8", "--reason", "probing")
    (tmp_path / "seen").write_text("")
    assert statuses(app) == {403}
    assert (tmp_path / "seen").read_text() == ""
    body = asked(app)[1]
    identity = json.loads(body)["security_response_id"]
    trace = wait_for(lambda: [one for one in node.traces() if one["id"] == identity], 30, "the trace")[0]
    assert (trace["action"], trace["findings"][0]["ruleId"]) == ("ACTION_BLOCKED", "policy-address")
    assert trace["findings"][0]["statement"] == "probing"
    assert "127.0.0.0/8" in node.cli("blocked").stdout
    change(node, "unblock", "127.0.0.0/8")
    assert statuses(app) == {200}


def test_for_a_while(node: Node, app: App) -> None:
    """A time that is over ends it, and nobody has to do anything; who is never refused is not."""
    change(node, "block", CLIENT, "--for", "3s")
    assert statuses(app) == {403}
    wait_for(lambda: statuses(app) == {200}, 30, "the end of three seconds")
    change(node, "block", CLIENT)
    change(node, "pass", CLIENT)
    assert statuses(app) == {200}


def test_a_user_is_refused(node: Node, app: App, tmp_path: Path) -> None:
    """As soon as the app says who it is, before its view; others are served."""
    change(node, "block", "user:17")
    (tmp_path / "seen").write_text("")
    assert statuses(app, "/?user=17") == {403}
    assert (tmp_path / "seen").read_text() == ""
    assert statuses(app, "/?user=18") == {200}


def test_the_mode_of_a_service(node: Node, app: App) -> None:
    """Set to block, attacks are refused at their operation, and the app's `except Exception` does not see it; set back
    they happen again."""
    assert asked(app, ATTACK)[0] == 200
    change(node, "policy", "set", "block", "--service", "shop")
    status, body = asked(app, ATTACK)
    assert (status, b"caught" in body) == (403, False)
    change(node, "policy", "set", "app", "--service", "shop")
    change(node, "policy", "rollback", "1")
    assert asked(app, ATTACK)[0] == 403
    change(node, "policy", "rollback", "2")
    assert [row["version"] for row in node.json("policy", "history")] == ["4", "3", "2", "1"]
    assert asked(app, ATTACK)[0] == 200


def test_an_app_that_set_its_mode(node: Node, tmp_path: Path) -> None:
    """What an app says itself goes before the policy, but for off, which is everybody's."""
    with serving(node, tmp_path, COWITNESS_MODE="monitor") as app:
        change(node, "block", CLIENT)
        change(node, "policy", "set", "block")
        assert statuses(app) == {200}
        assert asked(app, ATTACK)[0] == 200
        change(node, "policy", "set", "off")
        assert {one["mode"] for one in node.json("agents")} == {"off"}


def test_at_the_route(node: Node, app: App, tmp_path: Path) -> None:
    """A parameter that the router took from the path is judged before the view."""
    change(node, "policy", "set", "block")
    document = {"mode": "block", "rules": [{"rule": "*", "action": "block"}]}
    (tmp_path / "p.json").write_text(json.dumps(document))
    change(node, "policy", "apply", str(tmp_path / "p.json"))
    (tmp_path / "seen").write_text("")
    assert asked(app, "/file/..%2f..%2f..%2fetc/passwd")[0] == 403
    assert (tmp_path / "seen").read_text() == ""


def test_a_restart(node: Node, app: App) -> None:
    """A node that was killed comes back with its policy, and its agents with theirs."""
    version = int(change(node, "block", CLIENT)["version"])
    node.kill()
    node.start()
    wait_for(lambda: obeyed(node, version) and statuses(app) == {403}, 60, "the refusals to be back")
    assert int(node.json("policy", "show")[0]["version"]) == version


def test_what_is_wrong(node: Node) -> None:
    """Said with the place, and the policy stays."""
    for words, said in (
        (("block", "nobody.example"), "'nobody.example' is no address"), (("block", "::1", "--for", "soon"), "'soon'"),
        (("unblock", "::1"), "'::1' is not listed"), (("policy", "set", "maybe"), "'maybe'"),
        (("policy", "rollback", "99"), "version 99"), (("policy", "apply", "/nowhere/p"), "/nowhere/p"),
    ):  # fmt: skip
        done = node.ask(*words)
        assert done.returncode != 0
        assert said in done.stderr
    assert node.json("policy", "show")[0]["version"] in ("", "0", 0)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,*/*;q=0.8", "text/html"), ("application/json", "application/json"), ("", "application/json"),
        ("text/html;q=0.1, application/json", "application/json"),
    ],
)  # fmt: skip
def test_what_a_client_would_rather_have(node: Node, app: App, accept: str, kind: str) -> None:
    """HTML only for who prefers it; nothing keeps the answer; a HEAD has no body."""
    change(node, "block", CLIENT)
    headers = {"Accept": accept} if accept else {}
    for method in ("GET", "HEAD"):
        request = urllib.request.Request(app.base + "/", headers=headers, method=method)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=30)
        answer, body = caught.value, caught.value.read()
        assert (answer.code, answer.headers.get_content_type()) == (403, kind)
        assert answer.headers["Cache-Control"] == "no-store"
        assert (body == b"") == (method == "HEAD")


def test_elsewhere(tmp_path: Path) -> None:
    """A redirect takes clients to a page of the site's own, with the id; a template is sent as it is written."""
    page = tmp_path / "page.html"
    page.write_text("<p>No. [security_response_id]</p>")
    for lines, status in (
        ('redirect_location = "/sorry?id=[security_response_id]"', 303),
        (f'type = "html"\nstatus = 429\nhtml_template = "{page}"', 429),
    ):  # fmt: skip
        with running_node("--no-probes") as node:
            node.stop()
            node.config.write_text(node.config.read_text() + f"[response]\n{lines}\n")
            node.start()
            with serving(node, tmp_path) as app:
                change(node, "block", CLIENT)
                opener = urllib.request.build_opener(Stay)
                with pytest.raises(urllib.error.HTTPError) as caught:
                    opener.open(app.base + "/", timeout=30)
                body = caught.value.read()
        assert caught.value.code == status
        assert status == 303 or body.startswith(b"<p>No. ")
        assert status == 429 or caught.value.headers["Location"].startswith("/sorry?id=")


class Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def test_a_file(tmp_path: Path) -> None:
    """A policy in a file counts from the start and when it changes; a broken one is said, the last good one stays."""
    path = tmp_path / "policy.toml"
    path.write_text(f'[[block]]\nsubject = "{CLIENT}"\n')
    with running_node("--no-probes") as node:
        node.stop()
        node.config.write_text(node.config.read_text() + f'[policy]\nfile = "{path}"\n')
        node.start()
        with serving(node, tmp_path) as app:
            wait_for(lambda: statuses(app) == {403}, 30, "the file's policy")
            path.write_text('mode = "blo')
            wait_for(lambda: "policy.toml" in node.json("policy", "show")[0]["problem"], 30, "the problem")
            assert statuses(app) == {403}
            path.write_text('mode = ""\n')
            wait_for(lambda: statuses(app) == {200}, 30, "the file's next policy")
