"""Users whom somebody adds in Django's admin: the event names the new user, its request who added it."""

from __future__ import annotations

import pytest

from tests.tracing.running import said
from tests.users.programs.visits import PASSWORD, WRONG
from tests.users.test_django import CLEAR, digest, logins, queries, requests, told

PROGRAM = "tests.users.programs.admin_people"
CASES = [("django-1.8", "2.7"), ("users", "3.13")]
STATUSES = {
    "login": 302, "refused": 200, "forged": 403, "added": 302, "changed": 302, "list": 200, "logout": 200,
}  # fmt: skip


@pytest.mark.parametrize(("packages", "version"), CASES)
def test_a_user_is_added(packages: str, version: str) -> None:
    """One sign-up, of the new user, in a request that served the other; none of what was refused, forged or changed."""
    found = said(packages, version, PROGRAM, COWITNESS_TEST_AGENT="1", **CLEAR)
    bare = said(packages, version, PROGRAM, COWITNESS_TEST_AGENT="")
    assert (found["problems"], found["names"]) == ([], ["ada", "eva"])
    assert [queries(answer) for answer in found["answers"]] == [queries(answer) for answer in bare["answers"]]
    visits = {name: status for name, status, *_ in found["answers"] if not name.endswith("form")}
    assert visits == STATUSES
    (ada, eve), session = found["users"], digest(found["session"])
    assert [told(event) for event in logins(found)] == [
        ("success", ada, "ada", session, None, "django"), ("signup", eve, "eve", "", None, "django"),
        ("logout", ada, "ada", session, None, "django"),
    ]  # fmt: skip
    names = [name for name, *_ in found["answers"]]
    made = {request["request_id"]: (name, request) for name, request in zip(names, requests(found), strict=True)}
    name, request = made[logins(found)[1]["request_id"]]
    assert (name, request["route"].endswith("add/")) == ("added", True)
    users = {name: (request.get("user") or {}).get("login", "") for name, request in made.values()}
    assert users == {name: "" if name in ("login, form", "forged") else "ada" for name in names}
    events = str(logins(found))
    assert (PASSWORD in events, WRONG in events, found["session"] in events) == (False, False, False)
