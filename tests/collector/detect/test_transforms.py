"""Disguises taken off."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from collector.detect.transforms import apply


@pytest.mark.parametrize(
    ("names", "value", "expected"),
    [
        (["lowercase"], "AbC", "abc"),
        (["urlDecode"], "%27%u0027x", "''x"),
        (["htmlEntityDecode"], "&amp;lt;script&gt; &#106;ava\x00script", "<script> javascript"),
        (
            ["htmlEntityDecode"],
            "<p>&lt;b&gt; <pre class=x>&lt;i&gt; &amp;lt;u <b>&#60;s</b></pre> &lt;a",
            "<p><b> <pre class=x>&lt;i> &lt;u <b>&lt;s</b></pre> <a",
        ),
        (["replaceComments"], "un/**/ion /*!50000select*/ 1", "un ion  select  1"),
        (["shellPlain"], "c'a't${IFS}/e\"t\"c/pa\\sswd", "cat /etc/passwd"),
        (["shellPlain"], "wh$@oami", "whoami"),
        (["jsDecode"], "\\x61\\u006c\\u{65}\\162t", "alert"),
        (["cmdLine"], "; c''at$u+/e't'c/pa$@ss$'\\x77'd", "; cat /etc/passwd"),
        (["jsDecode"], "\\ud800\\u{ffffff}", "\ufffd\ufffd"),
        (["jsDecode", "lowercase"], "\\x41", "a"),
        ([], "as it is", "as it is"),
    ],
)
def test_apply(names: Sequence[str], value: str, expected: str) -> None:
    """Each transformation, and that they follow each other in order."""
    assert apply(names, value) == expected


@pytest.mark.parametrize("name", ["urlDecode", "htmlEntityDecode", "replaceComments", "shellPlain", "jsDecode"])
@pytest.mark.parametrize(
    "text",
    ["/*" * 50_000, "'" * 100_000, "&#" * 50_000, "\\u" * 50_000, "%u" * 50_000, "${IFS" * 20_000,
     "<pre></&lt;" * 10_000],
)
def test_long_texts(name: str, text: str) -> None:
    """Texts made of beginnings stay texts that can be encoded."""
    apply([name], text).encode()
