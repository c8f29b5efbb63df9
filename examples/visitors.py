"""Ordinary people in a bookshop: `python -m examples.visitors http://127.0.0.1:8000 --count 520`.

They look for O'Brien and for books on SQL, read chapters, mistype passwords. Nothing they do is an attack, and the exit
code is 0 only when every page came back as it should. Standard library only.
"""

from __future__ import annotations

import argparse
import html
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from examples.browser import Browser, Page

PEOPLE_AT_ONCE = 6
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
)
NOTHING = "Nothing found"
SEARCHES = {
    "O'Brien": "Flann O'Brien", "o'connor": "A Good Man", "Alice's Adventures": "Lewis Carroll",
    "dune": "Frank Herbert", "select": "Selected Stories", "selection and": "Natural Selection",
    "union": "Union Street", "drop caps": "Fleurons", "drop table mats": NOTHING, "; and": "Cat; and Other Poems",
    "; or, the": "Moby-Dick", "SQL": "Murder Mystery", "C++": "Nutshell", "cooking & baking": "Joy of Cooking",
    "Brontë": "Jane Eyre", "Márquez": "One Hundred Years", "Маргарита": "Михаил", "猫": "夏目漱石", "(part 1)": NOTHING,
    "100% wool": NOTHING, "1984": "George Orwell", "catch-22": "Joseph Heller", "R. A. Fell": "Natural Selection",
    "cat": "J. Whisker", "if x == 1: print(x)": NOTHING, "for (i = 0; i < 10; i++)": NOTHING,
    "SELECT * FROM books": NOTHING, "how to sleep": NOTHING, "where or when": NOTHING, "price < 10": NOTHING,
    "": "Middlemarch", "rock & roll -- a history": NOTHING, "the wild things are": "Sendak",
    "c:\\windows for beginners": NOTHING, "Vol. 1": "Knuth", "#1 bestseller": NOTHING, "“quoted” title": NOTHING,
    "50/50": NOTHING,
}  # fmt: skip
CHAPTERS = ("dune", "middlemarch", "jane-eyre", "1984", "catch-22", "drop-caps-and-fleurons", "the-name-of-the")


class Visit(NamedTuple):
    """One page asked for: what it was, and why it was not right (empty: it was)."""

    what: str
    wrong: str


def expect(what: str, page: Page, text: str) -> Visit:
    """The page must be a 200 that shows `text`."""
    if page.status != 200:
        return Visit(what, f"status {page.status}")
    return Visit(what, "" if text in html.unescape(page.text) else f"no {text!r} on the page")


def searching(browser: Browser, dice: random.Random) -> Iterator[Visit]:
    words = dice.choice(list(SEARCHES))
    yield expect(f"search {words!r}", browser.get("/search", q=words), SEARCHES[words])


def browsing(browser: Browser, dice: random.Random) -> Iterator[Visit]:
    number = str(dice.randint(1, 42))
    yield expect("index", browser.get("/"), "All our books")
    yield expect(f"book {number}", browser.get(f"/book/{number}"), "Read the first chapter")
    yield expect(f"cover of {number}", browser.get("/cover", book=number), "<svg")


def reading(browser: Browser, dice: random.Random) -> Iterator[Visit]:
    name = dice.choice(CHAPTERS)
    yield expect(f"chapter {name}", browser.get("/download", name=name + ".txt"), "Chapter One")


def keeping_shop(browser: Browser, dice: random.Random) -> Iterator[Visit]:
    yield expect("maintenance", browser.get("/maintenance/ping", host="localhost"), "localhost")


def logging_in(browser: Browser, dice: random.Random) -> Iterator[Visit]:
    """A mistyped password, the right one, and out again; each form is a page more."""
    name, password = dice.choice((("alice", "wonderland"), ("bob", "builder")))
    wrong = dice.choice((password.title(), password + "'", "correct horse battery staple", "pa$$word; 1=1?"))
    yield from twice(expect("wrong password", browser.log_in(name, wrong), "do not fit together"))
    yield from twice(expect("login", browser.log_in(name, password), "Log out"))
    yield from twice(expect("logout", browser.log_out(), "Log in"))


def twice(visit: Visit) -> tuple[Visit, Visit]:
    """A form took two requests: the page with the form, and the form."""
    return Visit(visit.what + " form", ""), visit


HABITS: tuple[tuple[Callable[[Browser, random.Random], Iterator[Visit]], int], ...] = (
    (searching, 12), (browsing, 5), (reading, 4), (keeping_shop, 1), (logging_in, 1),
)  # fmt: skip


def person(base: str, seed: int, count: int) -> list[Visit]:
    """One person's visits: `count` requests or a few more."""
    dice = random.Random(seed)
    browser = Browser(base, dice.choice(AGENTS))
    doings, weights = zip(*HABITS, strict=True)
    visits: list[Visit] = []
    while len(visits) < count:
        try:
            visits += dice.choices(doings, weights)[0](browser, dice)
        except OSError as error:
            visits.append(Visit("asking at all", str(error)))
    return visits


def main() -> int:
    parser = argparse.ArgumentParser(description="Ordinary people in a bookshop.")
    parser.add_argument("base", help="the shop's address, such as http://127.0.0.1:8000")
    parser.add_argument("--count", type=int, default=100, help="how many requests, at least (100)")
    parser.add_argument("--seed", type=int, default=1, help="another crowd (1)")
    options = parser.parse_args()
    share = -(-options.count // PEOPLE_AT_ONCE)
    with ThreadPoolExecutor(PEOPLE_AT_ONCE) as pool:
        crowd = pool.map(lambda n: person(options.base, options.seed * 1000 + n, share), range(PEOPLE_AT_ONCE))
        visits = [visit for visits in crowd for visit in visits]
    wrong = Counter(visit for visit in visits if visit.wrong)
    for visit, times in wrong.most_common(20):
        print(f"not well: {visit.what}: {visit.wrong} ({times} times)", file=sys.stderr)
    print(f"{len(visits)} requests by {PEOPLE_AT_ONCE} visitors, {len(visits) - wrong.total()} answered well")
    return 1 if wrong or not visits else 0


if __name__ == "__main__":
    sys.exit(main())
