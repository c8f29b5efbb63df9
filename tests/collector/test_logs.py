"""The log: its two forms, and what it must never show."""

from __future__ import annotations

import logging

import pytest
import structlog

from tests.collector.logged import captured


def test_json_is_one_document_a_line() -> None:
    """Away from a terminal every event is one JSON object with its level and time."""
    with captured("info", "auto") as out:
        structlog.get_logger().warning("bad peer", code="too_large", pid=7)
        (event,) = out.events()
        assert (event["event"], event["level"], event["code"], event["pid"]) == ("bad peer", "warning", "too_large", 7)
        assert event["timestamp"].endswith("Z")


def test_levels() -> None:
    """What is below the level is not written."""
    with captured("warning", "json") as out:
        structlog.get_logger().info("quiet")
        structlog.get_logger().error("loud")
        assert [event["event"] for event in out.events()] == ["loud"]


def test_secrets_are_hidden_by_name() -> None:
    """A value under a name that speaks of a secret is not written."""
    with captured("info", "json") as out:
        structlog.get_logger().info("login", password="hunter2", Authorization="Bearer x", session_id="s", cookie=["c"])
        assert "hunter2" not in out.getvalue()
        assert {out.events()[0][name] for name in ("password", "Authorization", "session_id", "cookie")} == {
            "[redacted]"
        }


@pytest.mark.parametrize("form", ["json", "console"])
def test_nothing_can_forge_a_line_or_move_the_cursor(form: str) -> None:
    """Line ends and escape sequences in a value or an event stay on their line, spelled out."""
    with captured("info", form) as out:
        structlog.get_logger().info("odd\nname", value="x\r\n2026 [error] forged \x1b[2J\u202e")
        assert out.getvalue().count("\n") == 1
        assert "\x1b" not in out.getvalue()
        assert "\u202e" not in out.getvalue()


def test_long_values_are_cut() -> None:
    """A value is cut at 2,000 characters and says how long it was."""
    with captured("info", "json") as out:
        structlog.get_logger().info("x", value="a" * 1_000_000, many=list(range(100_000)))
        assert len(out.getvalue()) < 5000
        assert out.events()[0]["value"].endswith("... (1000000 characters)")


def test_lone_surrogates_do_not_stop_the_log() -> None:
    """Text that is no UTF-8 is written escaped."""
    with captured("info", "json") as out:
        structlog.get_logger().info("x", value="\ud800")
        assert out.events()[0]["value"] == "\\ud800"


def test_exceptions_and_the_standard_library() -> None:
    """A traceback belongs to its event; messages of the standard library's logging take the same form."""
    with captured("info", "json") as out:
        try:
            raise RuntimeError("inner")
        except RuntimeError:
            structlog.get_logger().exception("failed")
        logging.getLogger("asyncio").error("loop says %s", "no\n")
        logging.getLogger("asyncio").info("chatter")
        first, second = out.events()
        assert first["exception"].splitlines()[-1] == "RuntimeError: inner"
        assert (second["event"], second["level"]) == ("loop says no\\x0a", "error")
