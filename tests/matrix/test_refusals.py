"""Refusals at the request, the route, the user, the operation and the response, in old and new frameworks under real
servers: how far the app came, what the client hears, and what is left of a request that was stopped half-way."""

from __future__ import annotations

import pytest

from tests.matrix.desk import ATTACK, BARE, COMMAND, DJANGO, FASTAPI, FLASK, JWT, LISTED, OTHER, Desk, among, desk, node

__all__ = ["desk", "node"]


@among(DJANGO, FLASK, FASTAPI)
def test_at_the_request(desk: Desk) -> None:
    """Before the app is called; a HEAD hears no body."""
    desk.refused(f"/item/plain?word={ATTACK}")
    answer, body = desk.ask(f"/item/plain?word={ATTACK}", "HEAD")
    assert (answer.status, body, int(answer.headers["Content-Length"]) > 100) == (403, b"", True)
    desk.wrote()


@among(DJANGO)
def test_at_the_route_of_django(desk: Desk) -> None:
    """A parameter that the router took from the path is judged under its name, before the view; connections end."""
    desk.refused(f"/item/{ATTACK}", "finished closed")
    desk.served(f"/other/{ATTACK}", "view", "finished closed")


@among(FLASK, FASTAPI)
def test_at_the_route(desk: Desk) -> None:
    """A parameter that the router took from the path is judged under its name, before the view."""
    ends = ["ended Blocked"] if desk.row in FLASK else []
    desk.refused(f"/item/{ATTACK}", *ends)
    desk.served(f"/other/{ATTACK}", "view", *["ended NoneType"] * len(ends))


@among(DJANGO)
def test_at_the_user_of_a_layer(desk: Desk) -> None:
    """Whom a middleware of the app has found, before the view."""
    desk.refused("/layered", "finished closed", rule="policy-user", X_Name=LISTED)
    assert desk.served("/layered", "view", "finished closed", X_Name=OTHER) == OTHER.encode()


@among(DJANGO, [JWT])
def test_at_the_user_of_rest_framework(desk: Desk) -> None:
    """Whose token it is, before the view."""
    path, words = desk.token(LISTED)
    desk.refused(path, "finished closed", rule="policy-user", Authorization=words)
    path, words = desk.token(OTHER)
    assert OTHER.encode() in desk.served(path, "view", "finished closed", Authorization=words)


@among(DJANGO)
def test_at_the_user_of_a_session(desk: Desk) -> None:
    """Where the view asks for the user it ends; rows and session are as before, connections end."""
    desk.refused("/own", "view", "finished closed", rule="policy-user", Cookie=desk.cookie(LISTED))
    for headers in ({}, {"Cookie": desk.cookie(LISTED)}):
        assert desk.state(**headers) == {"groups": [], "seen": None}


@among([row for row in DJANGO if row.framework == "Django newest ASGI"])
def test_at_the_user_of_an_asynchronous_view(desk: Desk) -> None:
    """Where it awaits `request.auser()`."""
    desk.refused("/auser", "view", "finished closed", rule="policy-user", Cookie=desk.cookie(LISTED))
    desk.served("/auser", "view", "went on", "finished closed", Cookie=desk.cookie(OTHER))


@among(FLASK)
def test_at_the_user_of_flask(desk: Desk) -> None:
    """Whom the app names before its view."""
    desk.refused("/layered", "ended Blocked", rule="policy-user", X_Name=LISTED)
    desk.served("/layered", "view", "ended NoneType", X_Name=OTHER)


@among(FASTAPI)
def test_at_the_user_of_fastapi(desk: Desk) -> None:
    """Whom a dependency names, before the view; dependencies end where they run, the last first."""
    desk.refused("/layered", *OPENED, *CLOSED, rule="policy-user", X_Name=LISTED)
    desk.served("/layered", *OPENED, "view", *CLOSED, X_Name=OTHER)


OPENED, CLOSED = ("opened in a worker", "opened here"), ("closed here", "closed in a worker")


@among(DJANGO)
def test_at_the_operation_in_django(desk: Desk) -> None:
    """The command is not executed and the view ends, its own `finally` runs; rows and session are as before."""
    desk.refused(f"/run?arg={COMMAND}", "view", "left", "finished closed")
    assert not (desk.folder / "executed").exists()
    assert desk.state() == {"groups": [], "seen": None}


@among(FLASK)
def test_at_the_operation_in_flask(desk: Desk) -> None:
    """The command is not executed and the view ends; what tears down is told of it."""
    desk.refused(f"/run?arg={COMMAND}", "view", "left", "ended Blocked")
    assert not (desk.folder / "executed").exists()


@among(FASTAPI)
@pytest.mark.parametrize("path", ["/run", "/arun"])
def test_at_the_operation_in_fastapi(desk: Desk, path: str) -> None:
    """The command is not executed and the view ends; dependencies end where they run, the last first."""
    desk.refused(f"{path}?arg={COMMAND}", *OPENED, "view", "left", *CLOSED)
    assert not (desk.folder / "executed").exists()


@among(DJANGO, FLASK, FASTAPI)
def test_apps_that_catch_everything(desk: Desk) -> None:
    """An answer in spite of a refusal does not get out."""
    before, after = (OPENED, CLOSED) if desk.row in FASTAPI else ((), ("finished closed",))
    after = ("ended NoneType",) if desk.row in FLASK else after
    desk.refused(f"/stubborn?arg={COMMAND}", *before, "view", "caught", *after)
    assert not (desk.folder / "executed").exists()


@among([row for row in DJANGO + FLASK if row.server == "gunicorn"])
def test_answers_that_have_begun(desk: Desk) -> None:
    """Where no part is out the refusal takes the place of an answer, with its headers and none of the others."""
    begun = ("view", "finished closed") if desk.row in DJANGO else ("ended NoneType", "view")
    desk.refused(f"/stream?arg={COMMAND}", *begun)
    assert not (desk.folder / "executed").exists()


FORM = f"word={ATTACK}"


@among(DJANGO, FLASK, FASTAPI, BARE)
def test_at_the_response(desk: Desk) -> None:
    """What stands in a body is judged when the app has read it: nothing of its answer gets out."""
    after = {"Django": ["finished closed"], "Flask": ["ended NoneType"]}.get(desk.row.framework.split()[0], [])
    early = desk.row.framework.endswith("ASGI") and desk.row in DJANGO  # reads the body before its view
    trace = desk.refused("/form", *(["view"] if not early else []), *after, data=FORM)
    assert {one["location"] for one in trace["findings"]} == {"body"}
    assert desk.served("/form", "view", *after, data="word=a%2Eb") == b"a.b"
