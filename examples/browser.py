"""A small browser: pages, cookies, forms with their CSRF token. Standard library only."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import NamedTuple

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_MAX_PAGE = 4 << 20


class Page(NamedTuple):
    """An answer; a redirect has been followed."""

    status: int
    text: str

    @property
    def token(self) -> str:
        """The form's CSRF token, where it has one."""
        found = _TOKEN.search(self.text)
        return found.group(1) if found else ""


class Browser:
    """One person's browser. Loopback is asked directly, whatever proxies the environment names."""

    def __init__(self, base: str, user_agent: str, seconds: float = 30.0) -> None:
        self.base, self.seconds = base.rstrip("/"), seconds
        self.headers = {"User-Agent": user_agent, "Accept": "text/html,*/*;q=0.8", "Accept-Language": "en-GB,en;q=0.7"}
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def get(self, path: str, **query: str) -> Page:
        """GET; an HTTP error is an answer. Raises OSError where nobody answers."""
        return self._open(path + ("?" + urllib.parse.urlencode(query) if query else ""), None)

    def post(self, path: str, **form: str) -> Page:
        """POST a form."""
        return self._open(path, urllib.parse.urlencode(form).encode())

    def log_in(self, name: str, password: str) -> Page:
        """Fill in the login form."""
        return self.post("/login", username=name, password=password, **self._hidden("/login"))

    def log_out(self) -> Page:
        """Press the button that every page has for who is logged in."""
        return self.post("/logout", **self._hidden("/"))

    def _hidden(self, path: str) -> dict[str, str]:
        token = self.get(path).token
        return {"csrfmiddlewaretoken": token} if token else {}

    def _open(self, path: str, data: bytes | None) -> Page:
        request = urllib.request.Request(self.base + path, data, {**self.headers, "Referer": self.base + "/"})
        try:
            with self.opener.open(request, timeout=self.seconds) as answer:
                return Page(answer.status, answer.read(_MAX_PAGE).decode(errors="replace"))
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.code, error.read(_MAX_PAGE).decode(errors="replace"))
