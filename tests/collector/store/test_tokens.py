"""Page tokens: they come back as they went, and nothing else is taken for one."""

from __future__ import annotations

import base64

import pytest

from collector.model import Verdict
from collector.store import tokens
from collector.store.base import LoginFilter, PageTokenError, TraceFilter


def test_there_and_back() -> None:
    """What is written is read; the empty token is the first page."""
    wanted = TraceFilter(service="shop")
    token = tokens.write(wanted, -5, "00ff")
    position = tokens.read(wanted, token)
    assert position is not None
    assert (position.time, position.id) == (-5, "00ff")
    assert tokens.read(wanted, "") is None
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    "other", [TraceFilter(), TraceFilter(service="shop", verdict=Verdict.REACHED), LoginFilter(service="shop")], ids=str
)
def test_the_token_of_another_filter(other: TraceFilter | LoginFilter) -> None:
    """A token is refused where the filter, or what is listed, has changed."""
    token = tokens.write(TraceFilter(service="shop"), 1, "a")
    with pytest.raises(PageTokenError, match="another filter"):
        tokens.read(other, token)


HUGE_TIME = base64.b64encode(b"\x93\xc4\x00\xcf" + b"\xff" * 8 + b"\xa0").decode()


@pytest.mark.parametrize("token", ["x", "!!!", "AAAA", "A" * 100_000, "\ud800", "\u00e9", HUGE_TIME], ids=range(7))
def test_what_is_no_token(token: str) -> None:
    """Anything that we did not write is refused, whatever it is."""
    with pytest.raises(PageTokenError, match="no page token"):
        tokens.read(TraceFilter(), token)
