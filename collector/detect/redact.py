"""What must not be stored: by the name of its key, and by its own shape. Values of secret keys are masked whole,
shapes in place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import unquote_plus

import re2

MASK = "<redacted>"
MIN_SECRET = 3
"""Characters from which the value of a secret key is masked wherever it stands; shorter ones would mask half a text."""

MAX_KEY = 256
MAX_NAMES = 2048
MAX_COOKIES = 64
MAX_QUERY = 16384
MARGIN = 8192
"""Characters around a cut that are looked at too, so that no half of a secret is kept."""

_SEPARATORS = re.compile(r"[.\[\]]+")
_WORDS = (
    r"(?:^|[^a-z])pass\d*$|pass(?:w|phrase|code)|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|authori[sz]ation|"
    r"(?:^|[_-])auth(?:$|[_-])|credential|session|sessid|jwt|csrf|xsrf|(?:^|[_-])s?sid$|cookie|^pin$|^otp$|cvv|cvc|card[_-]?n|"
    r"(?:^|[_-])ssn$|signature|^sig$|security[_-]?answer|(?:^|[_-])iban$"
)
_NAMES = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|credentials?|session(?:_?id|_?key)?|"
    r"authorization|jwt|csrf|sshpass)"
)
_VALUE = r"""(?P<value>"[^"]*"?|'[^']*'?|[^\s&;,"'|)}\]]+)"""
_ASSIGNED = rf"""{_NAMES}[\w-]{{0,24}}["']?\s{{0,4}}(?:=>|=|:)\s{{0,4}}"""
_OPTION = rf"(?:^|\s)--?[\w-]{{0,24}}{_NAMES}\s{{1,4}}"
_SHAPES = (
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"  # JSON web tokens
    r"|-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?"
    r"|\b(?:gh[pousr]_|github_pat_|xox[abeprs]-|sk_(?:live|test)_|sk-|AKIA|ASIA|AIza|glpat-|npm_|SG\.)[A-Za-z0-9_.-]{12,}"
    r"|\b(?:Bearer|Basic|Digest)\s+[A-Za-z0-9+/=._~-]{8,}"
)
_PAIR = re2.compile(f"(?i)(?P<key>{_ASSIGNED}|{_OPTION}){_VALUE}")
_SHAPE = re2.compile(_SHAPES)
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])")
_USERINFO = re.compile(r"(?<=://)[^\s/?#@\"']{1,256}@")
_MAYBE = re2.compile(rf"(?i){_NAMES}|bearer|basic|digest|eyJ|PRIVATE KEY|://[^/]*@|\d(?:[ -]?\d){{12}}|"
                     r"gh[pousr]_|github_pat_|xox|sk[_-]|AKIA|ASIA|AIza|glpat-|npm_|SG\.")  # fmt: skip
"""What every secret has by which it is known: one fast look spares most texts the rest."""

REPEATED = frozenset(("user-agent", "accept", "accept-language", "accept-encoding", "connection", "host", "priority"))
"""Headers that come again and again with the same value, and hold no secret: what was said of them is remembered."""

MAX_REPEATED = 512
"""Characters of such a value."""

_HEADERS = frozenset(("authorization", "proxy-authorization", "x-api-key", "x-auth-token", "x-amz-security-token"))


class Redactor:
    """Redaction with the expressions of the settings added (RE2, against key names, without regard to case); raises
    ValueError that names the setting and the expression."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._builtin = re.compile(_WORDS, re.IGNORECASE)
        self._more = [_compiled(key) for key in keys if key]
        self._secret_key = lru_cache(MAX_NAMES)(self._is_secret_key)

    def secret_key(self, key: str) -> bool:
        """Whether a value under this key path must not be stored."""
        return self._secret_key(key[-MAX_KEY:])

    def value(self, key: str, value: str) -> str:
        """A value as it may be stored."""
        return MASK if self.secret_key(key) else text(value)

    def query(self, query: str) -> str:
        """A raw query string with the values of secret keys masked."""
        if not query:
            return ""
        query = query[:MAX_QUERY]
        odd = _MAYBE.search(unquote_plus(query) if "%" in query else query.replace("+", " ")) is not None
        return "&".join([self._pair(pair, odd) for pair in query.split("&")])

    def headers(self, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Headers as they may be stored; of cookies only the names."""
        return tuple((name, self.header(name, value)) for name, value in pairs)

    def header(self, name: str, value: str) -> str:
        """One header's value as it may be stored."""
        if name == "cookie":
            pairs = (pair.strip().partition("=") for pair in value.split(";")[:MAX_COOKIES])
            return "; ".join(f"{key}={MASK}" for key, equals, _ in pairs if equals)
        if name == "set-cookie":
            key, _, rest = value.partition("=")
            return f"{key[:128]}={MASK}" + "".join(rest.partition(";")[1:])
        if name in _HEADERS or self.secret_key(name):
            return MASK
        if name in REPEATED and len(value) <= MAX_REPEATED:
            return _repeated(value)
        return self.url(value) if "?" in value else text(value)

    def url(self, value: str) -> str:
        """A URL, or a text that may be one, with its query redacted."""
        before, mark, query = value.partition("?")
        return text(before) + mark + self.query(query)

    def _pair(self, pair: str, odd: bool) -> str:
        """`odd`: whether anything in the query has what a secret is known by."""
        key, equals, value = pair.partition("=")
        if not equals:
            return text(pair) if odd else pair
        if self.secret_key(unquote_plus(key) if "%" in key or "+" in key else key):
            return f"{key}={MASK}"
        plain = unquote_plus(value) if odd else ""
        return pair if not odd or text(plain) == plain else f"{key}={text(plain)}"

    def _is_secret_key(self, key: str) -> bool:
        return any(map(self._is_secret_name, _SEPARATORS.split(key)))

    def _is_secret_name(self, name: str) -> bool:
        return bool(self._builtin.search(name)) or any(key.search(name) for key in self._more)


def _compiled(key: str) -> re2._Regexp:
    options = re2.Options()
    options.case_sensitive, options.log_errors = False, False
    try:
        return re2.compile(key, options)
    except re2.error:
        raise ValueError(f"redact_keys: '{key}' is not an expression that RE2 takes") from None


def text(value: str) -> str:
    """A text with everything that has the shape of a secret masked.

    >>> text("mysql --password=hunter2 -e x"), text("http://u:p@h/")
    ('mysql --password=<redacted> -e x', 'http://<redacted>@h/')
    """
    if not _MAYBE.search(value):
        return value
    value = _SHAPE.sub(MASK, value)
    value = _PAIR.sub(_pair_mask, value)
    value = _USERINFO.sub(MASK + "@", value) if "://" in value else value
    return _CARD.sub(_card_mask, value)


@lru_cache(MAX_NAMES)
def _repeated(value: str) -> str:
    return text(value)


def without(value: str, secrets: Sequence[str]) -> str:
    """A text without these values, wherever they stand in it."""
    for secret in secrets:
        value = value.replace(secret, MASK)
    return value


def _pair_mask(match: re.Match[str]) -> str:
    return match.group() if match.group("value").startswith(MASK) else match.group("key") + MASK


def _card_mask(match: re.Match[str]) -> str:
    """Payment cards by their check digit (ISO/IEC 7812-1, Annex B)."""
    digits = [int(digit) for digit in match.group() if digit.isdigit()][::-1]
    total = sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return match.group() if total % 10 else MASK
