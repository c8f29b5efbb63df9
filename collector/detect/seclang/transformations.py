"""The transformations of the language, on texts of one character a byte. Linear in the text, and quick where there is
nothing to do."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from functools import lru_cache

_PERCENT = re.compile(r"%(?:u[0-9a-fA-F]{4}|[0-9a-fA-F]{2})")
_HEX = re.compile(r"%[0-9a-fA-F]{2}")
_ENTITY = re.compile(r"&(?:#[xX]0*([0-9a-fA-F]{1,8});?|#0*(\d{1,8});?|(quot|amp|lt|gt|nbsp);?)")
_NAMED = {"quot": '"', "amp": "&", "lt": "<", "gt": ">", "nbsp": "\xa0"}
_JS = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_CSS = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(\n)|(.))", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*(?:\*/|$)")
_COMMENT_MARKS = re.compile(r"/\*|\*/|--|#")
_UTF8 = re.compile(
    "[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_SQL_HEX = re.compile(r"0x((?:[0-9a-fA-F]{2})+)")
_SLASHES = re.compile(r"/{2,}")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")


def url_decode(text: str) -> str:
    """`+` and percent escapes."""
    text = text.replace("+", " ")
    return _HEX.sub(_percent, text) if "%" in text else text


def url_decode_uni(text: str) -> str:
    """`+`, percent escapes and IIS's %uXXXX, of which the low byte counts; full-width forms become ASCII."""
    if "+" in text:
        text = text.replace("+", " ")
    return _PERCENT.sub(_percent, text) if "%" in text else text


def html_entity_decode(text: str) -> str:
    return _ENTITY.sub(_entity, text) if "&" in text else text


def js_decode(text: str) -> str:
    return _JS.sub(_js, text) if "\\" in text else text


def css_decode(text: str) -> str:
    return _CSS.sub(_css, text) if "\\" in text else text


def remove_nulls(text: str) -> str:
    return text.replace("\0", "") if "\0" in text else text


def replace_nulls(text: str) -> str:
    return text.replace("\0", " ")


def remove_whitespace(text: str) -> str:
    return "".join(text.split())


def compress_whitespace(text: str) -> str:
    """One blank for each run of white space.

    >>> compress_whitespace(" a\\t\\n b"), compress_whitespace(" ")
    (' a b', ' ')
    """
    words = text.split()
    if not words:
        return text and " "
    return f"{' ' * text[0].isspace()}{' '.join(words)}{' ' * text[-1].isspace()}"


def replace_comments(text: str) -> str:
    return _COMMENT.sub(" ", text) if "/*" in text else text


def remove_comments(text: str) -> str:
    return _COMMENT.sub("", text)


def remove_comments_char(text: str) -> str:
    return _COMMENT_MARKS.sub("", text)


def normalize_path(text: str) -> str:
    """No double slashes, self references and way back."""
    if "//" not in text and "." not in text:
        return text
    rooted, trailing = text.startswith("/"), text.endswith(("/", "/.", "/.."))
    parts: list[str] = []
    for part in _SLASHES.sub("/", text).split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif (part == ".." and not rooted) or part not in ("", ".", ".."):
            parts.append(part)
    joined = ("/" if rooted else "") + "/".join(parts)
    return joined + "/" if trailing and not joined.endswith("/") and joined else joined


def normalize_path_win(text: str) -> str:
    return normalize_path(text.replace("\\", "/"))


def cmd_line(text: str) -> str:
    """A command without the quoting that shells take off, in small letters.

    >>> cmd_line("C^md /c,;  (whoami)")
    'cmd/c(whoami)'
    """
    for quote in "\\\"'^":
        text = text.replace(quote, "")
    text = compress_whitespace(text.replace(",", " ").replace(";", " "))
    return text.replace(" /", "/").replace(" (", "(").lower()


def utf8_to_unicode(text: str) -> str:
    return text if text.isascii() else _UTF8.sub(_to_unicode, text)


def base64_decode(text: str) -> str:
    """Up to the first character that is none of base64."""
    match = _NOT_BASE64.search(text)
    return _base64(text[: match.start()] if match else text)


def base64_decode_ext(text: str) -> str:
    """Over characters that are none of base64."""
    return _base64(_NOT_BASE64.sub("", text))


def base64_encode(text: str) -> str:
    return base64.b64encode(_bytes(text)).decode()


def hex_decode(text: str) -> str:
    try:
        return binascii.unhexlify(text[: len(text) // 2 * 2]).decode("latin-1")
    except ValueError:
        return text


def hex_encode(text: str) -> str:
    return _bytes(text).hex()


def sha1(text: str) -> str:
    return hashlib.sha1(_bytes(text), usedforsecurity=False).digest().decode("latin-1")


def md5(text: str) -> str:
    return hashlib.md5(_bytes(text), usedforsecurity=False).digest().decode("latin-1")


def length(text: str) -> str:
    return str(len(text))


def sql_hex_decode(text: str) -> str:
    return _SQL_HEX.sub(lambda match: bytes.fromhex(match.group(1)).decode("latin-1"), text) if "0x" in text else text


def lower(text: str) -> str:
    """ASCII only: other characters are parts of something."""
    return text.lower() if text.isascii() else _bytes(text).lower().decode("latin-1")


def upper(text: str) -> str:
    return _bytes(text).upper().decode("latin-1")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _base64(text: str) -> str:
    text = text[: len(text) // 4 * 4 + len(text) % 4 * (len(text) % 4 != 1)]
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4)).decode("latin-1")
    except ValueError:
        return ""


def _narrowed(code: int) -> str:
    """The ASCII character of a full-width form, else that of the low byte."""
    return chr(code - 0xFF00 + 0x20) if 0xFF01 <= code <= 0xFF5E else chr(code & 0xFF)


def _percent(match: re.Match[str]) -> str:
    return _escaped(match.group())


@lru_cache(4096)
def _escaped(text: str) -> str:
    """The character that is written as %XX or %uXXXX."""
    return chr(int(text[1:], 16)) if text[1] != "u" else _narrowed(int(text[2:], 16))


def _entity(match: re.Match[str]) -> str:
    hexadecimal, decimal, name = match.groups()
    if name:
        return _NAMED[name]
    return chr((int(hexadecimal, 16) if hexadecimal else int(decimal)) & 0xFF)


def _js(match: re.Match[str]) -> str:
    wide, narrow, octal, other = match.groups()
    if wide:
        return _narrowed(int(wide, 16))
    if narrow or octal:
        return chr((int(narrow, 16) if narrow else int(octal, 8)) & 0xFF)
    return _SIMPLE.get(other, other)


def _css(match: re.Match[str]) -> str:
    code, newline, other = match.groups()
    if code:
        return _narrowed(int(code, 16))
    return "" if newline else other


def _to_unicode(match: re.Match[str]) -> str:
    return _numbered(match.group())


@lru_cache(4096)
def _numbered(text: str) -> str:
    """The bytes of one character as %uXXXX; as they are where they are none."""
    try:
        return f"%u{ord(_bytes(text).decode('utf-8')):04x}"
    except (UnicodeDecodeError, TypeError):
        return text


def _none(text: str) -> str:
    return text


FUNCTIONS: dict[str, Callable[[str], str]] = {
    "lowercase": lower, "uppercase": upper, "urldecode": url_decode, "urldecodeuni": url_decode_uni,
    "htmlentitydecode": html_entity_decode, "jsdecode": js_decode, "cssdecode": css_decode,
    "removenulls": remove_nulls, "replacenulls": replace_nulls, "removewhitespace": remove_whitespace,
    "compresswhitespace": compress_whitespace, "replacecomments": replace_comments,
    "removecomments": remove_comments, "removecommentschar": remove_comments_char, "normalizepath": normalize_path,
    "normalisepath": normalize_path, "normalizepathwin": normalize_path_win, "normalisepathwin": normalize_path_win,
    "cmdline": cmd_line, "utf8tounicode": utf8_to_unicode, "base64decode": base64_decode,
    "base64decodeext": base64_decode_ext, "base64encode": base64_encode, "hexdecode": hex_decode,
    "hexencode": hex_encode, "sha1": sha1, "md5": md5, "length": length, "sqlhexdecode": sql_hex_decode,
    "trim": str.strip, "trimleft": str.lstrip, "trimright": str.rstrip, "escapeseqdecode": js_decode,
}  # fmt: skip

CHANGES_PLAIN = frozenset(
    ("uppercase", "removewhitespace", "base64decode", "base64decodeext", "base64encode", "hexdecode", "hexencode",
     "sha1", "md5", "length", "sqlhexdecode")
)  # fmt: skip
"""Those that change even a text of small letters, digits and single blanks."""


@lru_cache(None)
def chain(names: tuple[str, ...]) -> Callable[[str], str]:
    """All of these, one after the other."""
    functions = [FUNCTIONS[name] for name in names]
    if len(functions) < 2:
        return functions[0] if functions else _none

    def run(text: str) -> str:
        for function in functions:
            text = function(text)
        return text

    return run
