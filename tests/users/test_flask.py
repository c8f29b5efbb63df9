"""Users of Flask-Login, old and new, and what an app tells itself."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.tracing.running import said
from tests.users.programs.visits import PASSWORD
from tests.users.test_django import CLEAR, logins, requests, told

PROGRAM = "tests.users.programs.flask_people"
CASES = [("flask-login-old", "2.7"), ("flask-0.10", "2.7"), ("flask-3", "3.13")]


@pytest.mark.parametrize(("packages", "version"), CASES)
def test_flask_login(packages: str, version: str) -> None:
    """Logins, one that is refused, the user of each request that asks for one, the logout; then the SDK's events."""
    found = said(packages, version, PROGRAM, **CLEAR)
    assert found["problems"] == []
    bodies = {name: body for name, _, body, _ in found["answers"]}
    assert (bodies["nobody"], bodies["inactive"], bodies["me"]) == ("nobody", "inactive", "ada")
    browser = hashlib.sha256(bodies["login"].encode()).hexdigest()[:16] if bodies["login"] else ""
    events = [told(event) for event in logins(found)]
    assert [event[:3] + event[4:] for event in events[:3]] == [
        ("failure", "bob", "bob@example.org", True, "flask-login"),
        ("success", "ada", "ada@example.org", None, "flask-login"), ("logout", "ada", "", None, "flask-login"),
    ]  # fmt: skip
    assert (events[1][3], events[2][3]) == (browser, browser)
    assert events[3:] == [
        ("failure", "7", "ada", "", True, "sdk"), ("success", "7", "ada", digest("s3cr3t"), None, "sdk"),
        ("signup", "8", "eve", "", None, "sdk"), ("logout", "7", "ada", "", None, "sdk"),
        ("custom", "", "", "", None, "sdk"),
    ]  # fmt: skip
    served = {name: request.get("user") for (name, *_), request in zip(found["answers"], requests(found), strict=True)}
    assert served["me"]["id"] == "ada"
    assert served["quiet"] is None
    assert served["sdk"]["id"] == "7"
    assert PASSWORD not in json.dumps(logins(found))
    metadata = [event.get("metadata") for event in logins(found)]
    assert {"reason": "locked"} in metadata
    assert {"card": "none"} in metadata


def test_disabled() -> None:
    """Hooks are silent; what the app tells itself is told."""
    found = said("flask-3", "3.13", PROGRAM, COWITNESS_USER_MODE="disabled")
    assert {event["framework"] for event in logins(found)} == {"sdk"}
    users = [request.get("user") for request in requests(found)]
    assert [bool(user) for user in users] == [False] * 6 + [True]


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
