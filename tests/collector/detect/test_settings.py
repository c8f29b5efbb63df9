"""Settings of detection: what stands and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from collector.detect.settings import DetectSettings, check, from_plain, networks


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (DetectSettings(trusted_proxies=("10.0.0.0/99",)), "^trusted_proxies: '10.0.0.0/99' is not a network$"),
        (DetectSettings(trusted_proxies=("proxy.example",)), "^trusted_proxies: 'proxy.example'"),
        (DetectSettings(redact_keys=("(",)), r"^redact_keys: '\(' is not an expression"),
        (DetectSettings(rules_dir="/nowhere/at/all"), "^rules_dir: '/nowhere/at/all' is not a directory$"),
        (DetectSettings(disabled_rules=("sqli-777",)), "^disabled_rules: there is no rule 'sqli-777'$"),
    ],
)
def test_what_cannot_stand(settings: DetectSettings, message: str) -> None:
    """The error names the setting and the bad value."""
    with pytest.raises(ValueError, match=message):
        check(settings)


def test_a_bad_rule_file_is_named(tmp_path: Path) -> None:
    """A rule file that is no TOML is refused with its name."""
    (tmp_path / "mine.toml").write_text("[[rules")
    with pytest.raises(ValueError, match=r"mine\.toml"):
        check(DetectSettings(rules_dir=str(tmp_path)))


def test_what_stands() -> None:
    """The defaults trust nobody; addresses, networks and expressions are accepted."""
    check(DetectSettings())
    assert networks(DetectSettings()) == ()
    settings = from_plain({"trusted_proxies": ["127.0.0.1", "fd00::/8"], "redact_keys": ["^kunden.?nummer$"]})
    check(settings)
    assert [str(network) for network in networks(settings)] == ["127.0.0.1/32", "fd00::/8"]


def test_unknown_fields_are_refused() -> None:
    """A misspelled setting is an error."""
    with pytest.raises(msgspec.ValidationError, match="trusted_proxy"):
        from_plain({"trusted_proxy": []})
