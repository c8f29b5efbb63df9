"""`cowitness rules`, through the command itself."""

from __future__ import annotations

from typer.testing import CliRunner

from collector.cli.failure import CommandError
from collector.cli.main import app

RUN = CliRunner()


def test_list_and_explain() -> None:
    """Rules are listed by category; one is explained with its expression and examples."""
    listed = RUN.invoke(app, ["rules", "list", "--category", "xxe"])
    assert [line.split()[0] for line in listed.output.splitlines()] == ["xxe-001", "xxe-002"]
    shown = RUN.invoke(app, ["rules", "explain", "xxe-001"])
    assert "<!entity" in shown.output
    assert isinstance(RUN.invoke(app, ["rules", "explain", "no-001"]).exception, CommandError)


def test_a_request() -> None:
    """A harmless request is silent with exit code 0, an attack is named with exit code 1."""
    harmless = RUN.invoke(app, ["rules", "test", "curl http://h/?q=sea"])
    attack = RUN.invoke(app, ["rules", "test", "curl http://h/?q=cw%3Buname+-r"])
    assert (harmless.exit_code, harmless.output.splitlines()) == (0, ["GET /?q=sea"])
    assert attack.exit_code == 1
    assert "cmdi-001  command_injection  query q: cw;uname -r" in attack.output
    assert isinstance(RUN.invoke(app, ["rules", "test", "curl"]).exception, CommandError)
