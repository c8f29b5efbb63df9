"""Redaction: secrets by key and by shape never come out; what is none stays."""

from __future__ import annotations

import pytest

from collector.detect import redact
from collector.detect.redact import MASK, Redactor

SECRET = "hunter2-Zebra"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "key",
    ["password", "Password", "user[password]", "new_password1", "passwd", "pwd", "api_key", "apiKey", "X-Api-Key",
     "token", "access_token", "csrfmiddlewaretoken", "client_secret", "session", "sessionid", "JSESSIONID", "PHPSESSID",
     "jwt", "cvv", "card_number", "items[0].secret", "authorization", "sid", "ssn", "signature"],
)  # fmt: skip
def test_secret_keys(key: str) -> None:
    """A value under a key that names a secret is masked."""
    assert Redactor().value(key, SECRET) == MASK


@pytest.mark.parametrize(
    "key", ["q", "host", "author", "name", "compass", "page", "passage", "url", "id", "pinned", "resident"]
)
def test_other_keys(key: str) -> None:
    """Ordinary keys keep their values."""
    assert Redactor().value(key, SECRET) == SECRET


def test_configured_keys() -> None:
    """Expressions of the settings add to the built-in ones, without regard to case."""
    redactor = Redactor(["^kunden.?nummer$"])
    assert redactor.value("KundenNummer", SECRET) == MASK
    assert redactor.value("password", SECRET) == MASK
    assert redactor.value("nummer", SECRET) == SECRET


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"a {JWT} b", f"a {MASK} b"),
        ("Authorization: Bearer abcdefgh12345678", f"Authorization: {MASK}"),
        ("pay 4111 1111 1111 1111 now", f"pay {MASK} now"),
        ("order 1234567890123456", "order 1234567890123456"),
        (f"mysql --password={SECRET} -e x", f"mysql --password={MASK} -e x"),
        (f"mysql --password {SECRET} -e x", f"mysql --password {MASK} -e x"),
        (f'{{"password": "{SECRET} x", "a": 1}}', f'{{"password": {MASK}, "a": 1}}'),
        (f"postgres://app:{SECRET}@db/x", f"postgres://{MASK}@db/x"),
        (f"/reset?token={SECRET}&a=b", f"/reset?token={MASK}&a=b"),
        ("ghp_abcdefghijklmnopqrst", MASK),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", MASK),
        ("the password is short", "the password is short"),
        ("x;cat /proc/version", "x;cat /proc/version"),
    ],
)
def test_shapes(value: str, expected: str) -> None:
    """What has the shape of a secret is masked in place, the rest of the text stays."""
    assert redact.text(value) == expected


def test_queries() -> None:
    """A query keeps its form; secret values are masked, also where the key is encoded."""
    got = Redactor().query(f"q=a+b&pass%77ord={SECRET}&next=%2Fx%3Ftoken%3D{SECRET}&flag")
    assert got.startswith(f"q=a+b&pass%77ord={MASK}&next=")
    assert got.endswith("&flag")
    assert SECRET not in got


def test_headers() -> None:
    """Of cookies the names stay; authorization and the queries of URLs are masked."""
    pairs = [
        ("cookie", f"sessionid={SECRET}; theme=dark; {SECRET}"), ("authorization", f"Custom {SECRET}"),
        ("set-cookie", f"sid={SECRET}; Path=/; HttpOnly"), ("referer", f"https://h/x?token={SECRET}&a=1"),
        ("x-auth-token", SECRET), ("accept", "text/html"),
    ]  # fmt: skip
    got = dict(Redactor().headers(pairs))
    assert SECRET not in str(got)
    assert got["cookie"] == f"sessionid={MASK}; theme={MASK}"
    assert got["set-cookie"] == f"sid={MASK}; Path=/; HttpOnly"
    assert got["referer"] == f"https://h/x?token={MASK}&a=1"
    assert got["accept"] == "text/html"


def test_without() -> None:
    """Known secrets are taken out wherever they stand."""
    assert redact.without(f"login {SECRET}/{SECRET}", [SECRET]) == f"login {MASK}/{MASK}"


@pytest.mark.parametrize(
    "text", ["1 " * 50_000, "password" * 10_000, "eyJ" * 30_000, "://" * 30_000, "4111-" * 20_000, "--token " * 9000]
)
def test_long_texts(text: str) -> None:
    """Texts full of beginnings of secrets are worked through."""
    assert isinstance(redact.text(text), str)
