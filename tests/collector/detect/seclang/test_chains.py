"""The texts that chains make of a value."""

from __future__ import annotations

import random

from collector.detect.seclang.chains import Chains, marks
from collector.detect.seclang.transformations import FUNCTIONS, chain

PIECES = ["a", "B", " ", "  ", "/", "//", "./", "../", "\\", "\\x41", "%41", "%u0041", "+", "&lt;", "&", "\0", "\t",
          "\xa0", "/*", "*/", "--", "#", "'", '"', "^", ",", ";", "(", "\xc3\xa4", "\xff", "YWJj"]  # fmt: skip


def test_no_text_is_missing() -> None:
    """Whatever characters a value holds, all that the chains make of it is there, but for capital letters."""
    chance = random.Random(3)
    names = sorted(FUNCTIONS)
    for _ in range(400):
        chains = [tuple(chance.choices(names, k=chance.randrange(5))) for _ in range(4)]
        made = Chains(chains)
        for _ in range(20):
            value = "".join(chance.choices(PIECES, k=chance.randrange(1, 9)))
            found = {text.lower() for text in made.texts(value, marks(value))}
            wanted = {chain(one)(value).lower() for one in chains if not _looks_at_capitals(one)}
            assert wanted <= found, (value, chains)


def _looks_at_capitals(one: tuple[str, ...]) -> bool:
    """Whether a chain takes a digest of letters, or decodes them."""
    return any("base64" in name or "hex" in name or name in ("sha1", "md5") for name in one)
