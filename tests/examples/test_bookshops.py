"""The pages of both shops, and that their weaknesses are really there."""

from __future__ import annotations

import html
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from examples.attacker import SECRET, Listener
from examples.browser import Browser
from examples.catalogue.books import BOOKS
from tests.e2e.harness import App
from tests.examples.conftest import SHOPS, running_shop

PAGES = {
    "/": (200, "All our books"),
    "/search?q=dune": (200, "Frank Herbert"),
    "/search?q=O%27Brien": (200, "At Swim-Two-Birds"),
    "/search?q=%E7%8C%AB": (200, "吾輩は猫である"),
    "/search": (200, "Middlemarch"),
    "/search?q=nothing+of+the+kind": (200, "Nothing found"),
    "/book/11": (200, "Read the first chapter"),
    "/book/4711": (404, "There is no such page"),
    "/nowhere": (404, "There is no such page"),
    "/login": (200, 'name="password"'),
    "/cover": (200, "<svg"),
    "/cover?book=11": (200, ">Dune<"),
    "/cover?book=x": (200, "No cover"),
    "/cover?url=nonsense": (502, "gave us no cover"),
    "/download?name=dune.txt": (200, "Chapter One"),
    "/download?name=none.txt": (404, "no such chapter"),
    "/download?name=%00": (404, "no such chapter"),
    "/download": (404, "no such chapter"),
    "/maintenance/ping": (200, "localhost"),
    "/maintenance/ping?host=nobody.invalid": (200, "not known"),
}


@pytest.fixture
def browser(shop: App) -> Browser:
    return Browser(shop.base, "Mozilla/5.0 (test)")


@pytest.mark.parametrize("path", PAGES)
def test_page(browser: Browser, path: str) -> None:
    """Every page answers with its status and what belongs on it."""
    status, text = PAGES[path]
    page = browser.get(path)
    assert (page.status, text in html.unescape(page.text)) == (status, True), page.text[-1500:]


def test_every_book_has_its_page_and_chapter(browser: Browser) -> None:
    """Following the links from the index reaches every book's page and its own chapter."""
    links = re.findall(r'href="(/book/\d+)"', browser.get("/").text)
    assert len(links) == len(set(links)) == len(BOOKS)
    titles = []
    for link in links:
        chapter = re.search(r'href="(/download[^"]+)"', browser.get(link).text)
        assert chapter
        titles.append(browser.get(html.unescape(chapter.group(1))).text.split("\n")[0])
    assert sorted(titles) == sorted(book[0] for book in BOOKS)


def test_nothing_is_loaded_from_elsewhere(browser: Browser) -> None:
    """No page names another host, so that the shops look right without a network."""
    for path in ("/", "/book/11", "/login", "/maintenance/ping"):
        assert re.findall(r'(?:src|href|action)="(?!/)[^"]*', browser.get(path).text) == []


def test_login_and_logout(browser: Browser) -> None:
    """A wrong password is told, a right one is remembered until logout."""
    assert "do not fit" in browser.log_in("alice", "wrong").text
    assert "do not fit" in browser.log_in("nobody", "wonderland").text
    assert "Log out" in browser.log_in("alice", "wonderland").text
    assert "<span>alice</span>" in browser.get("/book/11").text
    assert "Log in" in browser.log_out().text
    assert "Log out" not in browser.get("/").text
    assert "<span>bob</span>" in browser.log_in("bob", "builder").text


def test_logout_needs_a_form(browser: Browser) -> None:
    """A mere link logs nobody out."""
    assert browser.get("/logout").status == 405


def test_what_visitors_type_is_escaped(browser: Browser) -> None:
    """No page of the shops is open to cross-site scripting: that is not among their weaknesses."""
    for path, name in (("/search", "q"), ("/maintenance/ping", "host")):
        assert "<b>x</b>" not in browser.get(path, **{name: '"><b>x</b>'}).text


def test_weakness_in_search(browser: Browser) -> None:
    """The search is open to SQL injection: a union reads the schema."""
    page = browser.get("/search", q="x' union select 1,name,sql,4,5,6,7 from sqlite_master--")
    assert "CREATE TABLE books" in page.text


def test_weakness_in_download(browser: Browser) -> None:
    """The download leaves its folder, both upwards and by an absolute path."""
    version = Path("/proc/version").read_text()
    assert browser.get("/download", name="../" * 12 + "proc/version").text == version
    assert browser.get("/download", name="/proc/version").text == version


def test_weakness_in_cover(browser: Browser) -> None:
    """The cover page asks any host that it is told to ask."""
    listener = Listener()
    page = browser.get("/cover", url=f"http://127.0.0.1:{listener.port}/inner")
    assert (page.status, page.text) == (200, SECRET)
    assert listener.told().startswith("GET /inner HTTP/")


def test_weakness_in_maintenance(browser: Browser) -> None:
    """The maintenance page hands its parameter to a shell."""
    page = browser.get("/maintenance/ping", host="x;echo $((6*7)) was run")
    assert "42 was run" in page.text


def test_django_wants_the_token(tmp_path: Path) -> None:
    """A login form without its CSRF token is refused by the Django shop."""
    with running_shop("django", tmp_path) as app:
        page = Browser(app.base, "test").post("/login", username="alice", password="wonderland")
    assert page.status == 403


@pytest.mark.parametrize("kind", SHOPS)
def test_four_workers_start_on_an_empty_directory(kind: str, tmp_path: Path) -> None:
    """Whoever comes first fills the data directory, once and whole; logins work in whichever worker answers."""
    with running_shop(kind, tmp_path, workers=4) as app:
        with ThreadPoolExecutor(8) as pool:
            pages = list(pool.map(lambda _: Browser(app.base, "test").log_in("alice", "wonderland"), range(24)))
        assert [page.status for page in pages if "Log out" not in page.text] == []
        log = app.log.read_text()
    assert log.count("Booting worker") == 4, log
    with closing(sqlite3.connect(tmp_path / "books.sqlite3")) as db:
        assert db.execute("select count(*) from books").fetchone() == (len(BOOKS),)
    if kind == "django":
        with closing(sqlite3.connect(tmp_path / "users.sqlite3")) as db:
            assert db.execute("select username from auth_user order by id").fetchall() == [("alice",), ("bob",)]
    assert list(tmp_path.rglob("*.part")) == []


def test_the_shops_know_nothing_of_who_watches() -> None:
    """Neither shop, nor what they share, names the product: they are apps like any other."""
    root = Path(__file__).parents[2] / "examples"
    sources = [
        path for name in ("bookshop_flask", "bookshop_django", "catalogue") for path in (root / name).rglob("*.py")
    ]
    assert len(sources) >= 8
    assert [path.name for path in sources if "cowitness" in path.read_text().lower()] == []
