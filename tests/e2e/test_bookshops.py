"""The example apps: visitors pass, the attacker is confirmed, logins are kept."""

from __future__ import annotations

import http.cookiejar
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, App, Node, free_port, python, running_app, wait_for

SHOPS = {"flask": "examples.bookshop_flask:app", "django": "examples.bookshop_django.wsgi:application"}


@pytest.fixture(scope="module", params=SHOPS)
def shop(request: pytest.FixtureRequest, node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One of the bookshops under gunicorn with threads, under the agent; its service carries the framework's name."""
    port, data = free_port(), tmp_path_factory.mktemp("shop")
    command = f"gunicorn -w 2 -k gthread --threads 4 --chdir {ROOT} -b 127.0.0.1:{port} {SHOPS[request.param]}".split()
    environment = {"COWITNESS_SERVICE": f"shop-{request.param}", "BOOKSHOP_DATA": str(data)}
    with running_app(node, command, port, data, **environment) as app:
        yield app


def service(shop: App, node: Node) -> str:
    """The service name of the shop that listens on this port."""
    shop.get("/")
    names = [a["process"]["serviceName"] for a in node.json("agents") if a["connected"]]
    return next(name for name in reversed(names) if name.startswith("shop-"))


def test_five_hundred_visitors_give_no_trace(node: Node, shop: App) -> None:
    """An ordinary crowd of more than 500 requests is nobody's attack."""
    done = subprocess.run(
        python("-m", "examples.visitors", shop.base, "--count", "520"),
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    shop.get("/search?q=%27+union+select+1,2,3--")
    wait_for(lambda: node.traces(), 60, "the one attack that ends the visit")
    mine = {trace["request"]["urlQuery"] for trace in node.traces("--service", service(shop, node))}
    assert mine == {"q=%27+union+select+1,2,3--"}


def test_the_attacker_is_confirmed(witnessed_node: Node, shop: App) -> None:
    """The attack script's commands, file, and connection come out confirmed."""
    done = subprocess.run(
        python("-m", "examples.attacker", shop.base), cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr

    def categories() -> set[str]:
        traces = witnessed_node.traces("--verdict", "confirmed", "--service", service(shop, witnessed_node))
        return {category for trace in traces for category in trace["categories"]}

    expected = {"command_injection", "path_traversal", "ssrf"}
    wait_for(lambda: categories() >= expected, 60, "three confirmed kinds of attack")


def browser() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


def log_in(opener: urllib.request.OpenerDirector, base: str, name: str, password: str) -> None:
    """Fill the login form, with its CSRF token where it has one."""
    page = opener.open(base + "/login", timeout=10).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    form = {"username": name, "password": password}
    if token:
        form["csrfmiddlewaretoken"] = token.group(1)
    request = urllib.request.Request(
        base + "/login", urllib.parse.urlencode(form).encode(), {"X-Forwarded-For": "203.0.113.9", "Referer": base}
    )
    opener.open(request, timeout=10).read()


def test_django_logins(node: Node, tmp_path: Path) -> None:
    """Login, failure and logout over real HTTP: user id, address, ports; a forged X-Forwarded-For is not believed."""
    port = free_port()
    command = f"gunicorn -w 1 -k gthread --threads 4 --chdir {ROOT} -b 127.0.0.1:{port} {SHOPS['django']}".split()
    environment = {"COWITNESS_SERVICE": "login-shop", "BOOKSHOP_DATA": str(tmp_path)}
    environment["COWITNESS_USER_MODE"] = "identification"
    with running_app(node, command, port, tmp_path, **environment) as app:
        opener = browser()
        log_in(opener, app.base, "alice", "wrong")
        log_in(opener, app.base, "alice", "wonderland")
        page = opener.open(app.base + "/", timeout=10).read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token.group(1) if token else ""}).encode()
        opener.open(urllib.request.Request(app.base + "/logout", data, {"Referer": app.base}), timeout=10).read()
        wait_for(lambda: len(node.logins("--service", "login-shop")) == 3, 60, "three login events")
        events = node.logins("--service", "login-shop")[::-1]
    outcomes = [event["outcome"].removeprefix("LOGIN_OUTCOME_") for event in events]
    assert outcomes == ["FAILURE", "SUCCESS", "LOGOUT"]
    assert [event["user"]["login"] for event in events] == ["alice"] * 3
    assert events[1]["user"]["id"] == events[2]["user"]["id"] != ""
    for event in events:
        assert event["clientAddress"] == "127.0.0.1"
        assert re.fullmatch("[0-9a-f]{32}", event["traceId"])
        assert event["peer"]["port"] > 0
    assert [event["forgedForwarding"] for event in events] == [True, True, False]
    if node.witnesses():
        wait_for(lambda: all(e["kernelPeer"]["port"] for e in node.logins("--service", "login-shop")), 60, "peers")
        assert all(e["kernelPeer"] == e["peer"] for e in node.logins("--service", "login-shop"))
