"""The configuration: what stands, what is refused and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector import config_text
from collector.config import ConfigError, load, parse

POLICY = '[[enforcement.policies]]\nname = "p"\nservice = "s"\n'


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file the documented defaults stand."""
    monkeypatch.delenv("COWITNESS_RUN_DIR", raising=False)
    settings = load(None)
    assert (str(settings.run_dir), str(settings.state_dir)) == ("/run/cowitness", "/var/lib/cowitness")
    assert (settings.correlate.window_seconds, settings.correlate.max_events_per_trace) == (60, 512)
    assert (settings.store.retention_days, settings.store.max_megabytes) == (30, 1024)
    assert (settings.inspector.workers, settings.inspector.max_connections) == (0, 8192)
    assert settings.metrics.listen == "127.0.0.1:9464"


def test_the_environment_names_the_run_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """COWITNESS_RUN_DIR is the default of paths.run_dir."""
    monkeypatch.setenv("COWITNESS_RUN_DIR", "/tmp/elsewhere")
    assert str(load(None).run_dir) == "/tmp/elsewhere"


def test_flags_go_before_the_file(tmp_path: Path) -> None:
    """An override replaces what the file says and leaves its other settings alone."""
    path = tmp_path / "c.toml"
    path.write_text('[paths]\nrun_dir = "/a"\nstate_dir = "/b"\n[store]\nretention_days = 7\n')
    settings = load(path, {"paths": {"run_dir": "/c"}, "log": {}})
    assert (settings.paths.run_dir, settings.paths.state_dir, settings.store.retention_days) == ("/c", "/b", 7)


def test_flags_are_checked_like_the_file() -> None:
    """An override of the wrong kind is refused and named."""
    with pytest.raises(ConfigError, match=r"command line: log\.level"):
        load(None, {"log": {"level": "loud"}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[store]\nretention_dayz = 3\n", r"store\.retention_dayz; did you mean retention_days\?"),
        ("[stroe]\n", r"no section \[stroe\]; did you mean store\?"),
        ("[zzz]\n", r"no section \[zzz\]; known are paths, log,"),
        ("store = 1\n", r"\[store\] must be a section"),
        ("[store\n", r"not valid TOML: .*line 1"),
        ("a = " + "[" * 100_000, "nested too deep"),
        ('[store]\nretention_days = "many"\n', r"store\.retention_days: Expected int, got str"),
        ("[store]\nretention_days = true\n", r"store\.retention_days: Expected int, got bool"),
        ("[store]\nretention_days = 0\n", r"store\.retention_days: Expected int >= 1"),
        ("[probes]\nring_bytes = 100000\n", r"probes\.ring_bytes: 100000 is not a power of two"),
        ('[probes]\nsensitive_paths = ["etc/shadow"]\n', r"probes\.sensitive_paths\[0\]"),
        ('[metrics]\nlisten = "9464"\n', r"metrics\.listen: '9464'"),
        ('[metrics]\nlisten = "127.0.0.1:70000"\n', r"metrics\.listen"),
        ('[metrics]\nlisten = "example.com:9464"\n', r"metrics\.listen"),
        ('[[enforcement.policies]]\nname = "a"\n', r"enforcement\.policies\[0\]: .*service"),
        ('[enforcement]\nmode = "on"\n', r"enforcement\.mode"),
        ('[[enforcement.policies]]\nname = "a"\nservice = "s"\nmod = "off"\n', r"unknown field .?mod"),
        (POLICY + 'programs = ["true"]\n', r"enforcement\.policies\[0\]\.programs\[0\]"),
        (POLICY + f'programs = ["/{"é" * 62}"]\n', r"enforcement\.policies: p: .* more than 123 bytes"),
        (POLICY + 'networks = ["10.0.0.1/8"]\n', r"enforcement\.policies: p: 10\.0\.0\.1/8 has host bits"),
        (POLICY + 'deny_read = ["etc/shadow"]\n', r"enforcement\.policies\[0\]\.deny_read\[0\]"),
        (POLICY + 'deny_read = ["/etc/../shadow"]\n', r"enforcement\.policies: p: '/etc/\.\./shadow' is no whole path"),
        (POLICY + 'deny_write = ["/"]\n', r"enforcement\.policies\[0\]\.deny_write\[0\]"),
        (POLICY + f'deny_write = ["/srv/{"x" * 55}/"]\n', r"enforcement\.policies: p: .* part of more than 54 bytes"),
        (POLICY + POLICY, r"enforcement\.policies: two are named 'p'"),
        ('[api]\ngroup = "no-such-group-here"\n', r"api\.group: there is no group 'no-such-group-here'"),
        ('[detect]\ntrusted_proxies = ["10.0.0.0/99"]\n', r"detect\.trusted_proxies: '10\.0\.0\.0/99'"),
    ],
)
def test_what_cannot_stand(text: str, message: str) -> None:
    """The error names the file, the setting, and what is wrong with it."""
    with pytest.raises(ConfigError, match=r"^some\.toml: .*" + message):
        parse(text, "some.toml")


def test_a_missing_file(tmp_path: Path) -> None:
    """A file that was asked for and is not there is an error, not a default."""
    with pytest.raises(ConfigError, match=r"none\.toml: No such file"):
        load(tmp_path / "none.toml")


def test_files_that_are_no_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8, a directory, and a file without end are refused by name."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path, word in ((tmp_path / "binary", "UTF-8"), (tmp_path, "directory"), (Path("/dev/zero"), "larger")):
        with pytest.raises(ConfigError, match=word):
            load(path)


def test_policies(tmp_path: Path) -> None:
    """They come in their order, observe unless they say otherwise, and are printed so that they can be read back."""
    text = POLICY + 'execute = "listed"\nprograms = ["/bin/a \\"b\\""]\n' + POLICY.replace('"p"', '"q"')
    settings = parse(text, "c.toml")
    assert [(one.name, one.mode, one.scope) for one in settings.enforcement.policies] == [
        ("p", "observe", "requests"), ("q", "observe", "requests"),
    ]  # fmt: skip
    assert parse(config_text.to_toml(settings), "printed") == settings
