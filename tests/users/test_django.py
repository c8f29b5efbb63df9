"""Users of Django, 1.8 to the newest: who logs in, fails to, signs up, logs out, and whom each request served."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.tracing.running import said
from tests.users.programs.visits import LOGINS, PASSWORD, WRONG

PROGRAM = "tests.users.programs.django_people"
CASES = [
    ("django-1.8", "2.7", "auth.User"), ("django-1.8", "2.7", "people.EmailUser"),
    ("django-1.11", "3.6", "people.PhoneUser"), ("django-3.2", "3.8", "people.EmailUser"),
    ("users", "3.13", "auth.User"), ("users", "3.13", "people.EmailUser"),
]  # fmt: skip
CLEAR = {"COWITNESS_USER_MODE": "identification"}
SIGNUPS = ("form", "create", "Customer", "Seller")


@pytest.mark.parametrize(("packages", "version", "model"), CASES)
def test_users(packages: str, version: str, model: str) -> None:
    """Every event and every user, with the same answers and the same number of queries as without the agent."""
    found = said(packages, version, PROGRAM, model, COWITNESS_TEST_AGENT="1", **CLEAR)
    bare = said(packages, version, PROGRAM, model, COWITNESS_TEST_AGENT="")
    assert found["problems"] == []
    assert [queries(answer) for answer in found["answers"]] == [queries(answer) for answer in bare["answers"]]
    bodies = {name: body for name, _, body, _ in found["answers"]}
    events = [told(event) for event in logins(found)]
    assert events == expected(found["user"], LOGINS[model], bodies)
    served = [request.get("user") or {} for request in requests(found)]
    for (name, *_), user in zip(found["answers"], served, strict=True):
        who = user.get("id", ""), user.get("login", "")
        assert who == serving(name, found["user"], LOGINS[model]), name
    secrets(found)


def queries(answer: list[Any]) -> tuple[Any, ...]:
    """Name, status and queries of a visit; bodies hold random keys."""
    return answer[0], answer[1], answer[3]


def expected(user: str, login: str, bodies: dict[str, str]) -> list[tuple[Any, ...]]:
    """(outcome, id, login, session, exists, framework) of what the visits come to, in order."""
    session = digest(bodies["login"])
    events: list[tuple[Any, ...]] = [
        ("failure", user, login, "", True, "django"), ("failure", "", "nobody@example.org", "", False, "django"),
        ("success", user, login, session, None, "django"), ("logout", user, login, session, None, "django"),
    ]  # fmt: skip
    for kind in SIGNUPS:
        if f"signup {kind}" in bodies:
            events.append(("signup", bodies[f"signup {kind}"], f"new-{kind}", "", None, "django"))
    if "token" in bodies:
        events += [("failure", user, login, "", True, "django"), ("success", user, login, "", None, "rest_framework")]
    if "jwt" in bodies:
        events.append(("success", user, login, "", None, "rest_framework"))
    if "async login" in bodies:
        session = digest(bodies["async login"])
        events += [
            ("failure", user, login, "", True, "django"), ("success", user, login, session, None, "django"),
            ("logout", user, login, session, None, "django"),
        ]  # fmt: skip
    return events


def serving(name: str, user: str, login: str) -> tuple[str, str]:
    """Whom a visit is served for; a name that was not loaded is not asked for."""
    if name in ("deferred", "stateless"):
        return user, ""
    known = ("login", "me", "logout", "token", "by token", "by basic", "jwt", "by jwt", "async login", "async logout")
    return (user, login) if name in known else ("", "")


@pytest.mark.parametrize("mode", ["", "anonymisation", "disabled"])
def test_modes(mode: str) -> None:
    """By default names are salted digests, the same for the same user; anonymous, ids too; disabled, nothing."""
    variables = {"COWITNESS_USER_SALT": "salt", **({"COWITNESS_USER_MODE": mode} if mode else {})}
    found = said("users", "3.13", PROGRAM, "people.EmailUser", COWITNESS_TEST_AGENT="1", **variables)
    everything = json.dumps([*logins(found), [request.get("user") for request in requests(found)]])
    assert (found["user"] in everything) == (not mode)
    assert "@example.org" not in everything
    if mode == "disabled":
        assert (logins(found), set(map(json.dumps, json.loads(everything)[-1]))) == ([], {"null"})
        return
    user, login = (anonymous(value) for value in (found["user"], LOGINS["people.EmailUser"]))
    success = next(event for event in logins(found) if event["outcome"] == "success")
    assert (success["user"]["id"], success["user"]["login"]) == (user if mode else found["user"], login)


def anonymous(value: str) -> str:
    """The digest that stands for it, salted with "salt"."""
    return "anon_" + hashlib.sha256(f"salt{value}".encode()).hexdigest()[:32]


def logins(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [record for record in found["records"] if record["type"] == "login"]


def requests(found: dict[str, Any]) -> list[dict[str, Any]]:
    """In the order of their begin: the next may end before the last one's thread has told of its end."""
    ended = [record for record in found["records"] if record["type"] == "request" and record["phase"] == "end"]
    return sorted(ended, key=lambda record: int(record["start_time"]))


def told(event: dict[str, Any]) -> tuple[Any, ...]:
    user = event["user"]
    return event["outcome"], user["id"], user["login"], user["session_id"], event.get("exists"), event["framework"]


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def secrets(found: dict[str, Any]) -> None:
    """No event holds a password or a session key, and no record does outside of what the visitor sent."""
    keys = [body for name, _, body, _ in found["answers"] if name in ("login", "async login")]
    for record in found["records"]:
        own = {name: value for name, value in record.items() if name not in ("body", "headers", "response_headers")}
        assert not any(secret in json.dumps(own) for secret in (PASSWORD, WRONG, *keys))
