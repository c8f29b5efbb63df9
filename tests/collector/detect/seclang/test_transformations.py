"""Each transformation by what it does."""

from __future__ import annotations

import pytest

from collector.detect.seclang import transformations


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("lowercase", "A\xc4", "a\xc4"), ("urldecode", "a+%41%zz", "a A%zz"),
        ("urldecodeuni", "%u0041%uff1c%41", "A<A"),
        ("htmlentitydecode", "&lt;&#x41;&#0000000065;&quot", '<AA"'), ("jsdecode", r"\x41\u0042\103\n\q", "ABC\nq"),
        ("cssdecode", r"\6A\61 x", "jax"), ("removenulls", "a\x00b", "ab"), ("removewhitespace", " a b\xa0", "ab"),
        ("compresswhitespace", "a \t b", "a b"), ("replacecomments", "a/*x*/b/*y", "a b "),
        ("normalizepath", "/a//b/./../c", "/a/c"), ("normalizepathwin", "\\a\\..\\b", "/b"),
        ("cmdline", "C^A't /etc,x;y", "cat/etc x y"), ("utf8tounicode", "\xc3\xa4x", "%u00e4x"),
        ("base64decode", "YWJj!", "abc"), ("base64decodeext", "YW!Jj", "abc"), ("hexdecode", "6162", "ab"),
        ("hexencode", "ab", "6162"), ("length", "abc", "3"), ("sqlhexdecode", "0x6162c", "abc"), ("trim", " a ", "a"),
        ("none", "x", "x"),
    ],
)  # fmt: skip
def test_transformation(name: str, text: str, expected: str) -> None:
    """What comes out."""
    names = () if name == "none" else (name,)
    assert transformations.chain(names)(text) == expected


def test_hostile_texts() -> None:
    """Nothing raises, whatever bytes come."""
    for text in ("%", "&#", "\\", "\\u12", "\xff" * 50, "&#x99999999;", "/*" * 50, "".join(map(chr, range(256)))):
        for function in transformations.FUNCTIONS.values():
            assert isinstance(function(text), str)
