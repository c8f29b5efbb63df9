"""The bookshop on Flask: `gunicorn examples.bookshop_flask:app`. Weak on purpose; see examples/catalogue/shop.py."""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path

from flask import Flask, Response, abort, g, redirect, render_template, request, session
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.wrappers import Response as BaseResponse

from examples.catalogue import data, shop
from examples.catalogue.books import USERS

TEMPLATES = Path(__file__).resolve().parents[1] / "catalogue" / "templates"

data.fill()
app = Flask(__name__, template_folder=str(TEMPLATES), static_folder=None)
app.secret_key = data.secret_key()
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"


@functools.cache
def password_hashes() -> dict[str, str]:
    """Made once in each worker: this shop keeps its two customers in its head."""
    return {name: generate_password_hash(password) for name, password in USERS}


def cursor() -> sqlite3.Cursor:
    """A cursor on this request's connection."""
    if "db" not in g:
        g.db = sqlite3.connect(data.database())
    return g.db.cursor()


@app.teardown_appcontext
def close_database(_: BaseException | None) -> None:
    if "db" in g:
        g.db.close()


@app.context_processor
def user_name() -> dict[str, str]:
    return {"user_name": session.get("user_name", "")}


@app.get("/")
def index() -> str:
    return render_template("books.html", heading="All our books", books=shop.every_book(cursor()))


@app.get("/search")
def search() -> str:
    q = request.args.get("q", "")
    return render_template("books.html", heading=f"Books for “{q}”", books=shop.search(cursor(), q), q=q)


@app.get("/book/<int:number>")
def book(number: int) -> str:
    found = shop.book(cursor(), number) or abort(404)
    return render_template("book.html", book=found)


@app.route("/login", methods=["GET", "POST"])
def login() -> str | BaseResponse | tuple[str, int]:
    if request.method == "GET":
        return render_template("login.html")
    name = request.form.get("username", "")
    known = password_hashes().get(name)
    if not known or not check_password_hash(known, request.form.get("password", "")):
        return render_template("login.html", failed=True), 200
    session.clear()
    session["user_name"] = name
    return redirect("/", 303)


@app.post("/logout")
def logout() -> BaseResponse:
    session.clear()
    return redirect("/", 303)


@app.get("/download")
def download() -> Response | tuple[str, int]:
    try:
        return Response(shop.chapter(request.args.get("name", "")), content_type="text/plain; charset=utf-8")
    except (OSError, ValueError):
        return sorry("We have no such chapter.", 404)


@app.get("/cover")
def cover() -> Response | tuple[str, int]:
    url = request.args.get("url")
    try:
        picture, kind = shop.cover_from(url) if url else shop.drawn_cover(_asked_book())
    except (OSError, ValueError):
        return sorry("The publisher's machine gave us no cover.", 502)
    return Response(picture, content_type=kind)


def _asked_book() -> shop.Book | None:
    number = request.args.get("book", type=int)
    return shop.book(cursor(), number) if number else None


@app.get("/maintenance/ping")
def ping() -> str:
    host = request.args.get("host", "localhost")
    return render_template("maintenance.html", host=host, output=shop.look_up(host))


@app.errorhandler(404)
def not_found(_: Exception) -> tuple[str, int]:
    return sorry("There is no such page.", 404)


def sorry(reason: str, status: int) -> tuple[str, int]:
    return render_template("sorry.html", reason=reason), status
