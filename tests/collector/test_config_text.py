"""What is printed of the configuration can be read back, and its documentation is up to date."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from collector import config_text
from collector.config import load

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_printed_can_be_read_back(tmp_path: Path) -> None:
    """`to_toml` gives a file that loads to the same settings, odd characters included."""
    settings = load(None, {"paths": {"state_dir": '/tmp/"q"\\\u00e9\n'}, "detect": {"redact_keys": ["a b", "\u2028"]}})
    path = tmp_path / "c.toml"
    path.write_text(config_text.to_toml(settings), "utf-8")
    assert load(path) == settings


def test_the_documentation_is_up_to_date() -> None:
    """docs/configuration.md is what `cowitness config --docs` prints."""
    assert (ROOT / "docs" / "configuration.md").read_text() == config_text.documentation()


def test_the_documentation_does_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting's default in the documentation comes from this machine."""
    before = config_text.documentation()
    monkeypatch.setitem(os.environ, "COWITNESS_RUN_DIR", "/tmp/x")
    assert config_text.documentation() == before


@pytest.mark.parametrize("text", ["plain", 'a"b\\c\\u0041', "\x1b[2J\n\x7f", "Bücher \U0001f600", "\u202e\x85"])
def test_text_as_toml(text: str) -> None:
    """Any text comes back as it was, and a terminal that shows it obeys nothing."""
    written = config_text.toml_value(text)
    assert tomllib.loads(f"x = {written}") == {"x": text}
    assert written.isprintable()
