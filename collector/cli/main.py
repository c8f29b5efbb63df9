"""The command `cowitness`. Everything but Typer is imported by the command that needs it: `--help` stays quick."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from collector.cli import behaviour, executables, policy, records, rules
from collector.cli.asking import client, page
from collector.cli.failure import WRONG, CommandError
from collector.cli.options import RUN_DIR, ConfigFile, Json, LevelWord, ModeWord, OptionalRunDir, RunDir, StateDir

app = typer.Typer(
    name="cowitness",
    help="Detection and response for Python apps: what the app was asked, and what the kernel saw it do.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


app.add_typer(rules.app, name="rules")
app.add_typer(policy.app, name="policy")
app.command()(policy.block)
app.command()(policy.unblock)
app.command("pass")(policy.allow)
app.command()(policy.blocked)
app.add_typer(behaviour.app, name="behaviour")
app.command()(executables.executables)


def main() -> None:
    """Run; errors become one line on standard error and an exit code (see collector/cli/failure.py)."""
    try:
        app()
    except CommandError as error:
        from collector.cli.text import clean

        _close_output()
        print(f"cowitness: {clean(str(error))}", file=sys.stderr)  # noqa: T201
        sys.exit(error.code)
    except BrokenPipeError:
        _close_output()
        sys.exit(0)


@app.command()
def up(
    run_dir: OptionalRunDir = None, state_dir: StateDir = None, config: ConfigFile = None,
    no_probes: Annotated[bool, typer.Option("--no-probes", help="Do without the kernel side.")] = False,
    log_level: Annotated[LevelWord | None, typer.Option(help="The least important message to log.")] = None,
) -> None:  # fmt: skip
    """Run the daemon in the foreground, until SIGTERM or Ctrl-C."""
    from collector import logs

    settings = _settings(config, run_dir, state_dir, no_probes, log_level)
    logs.configure(settings.log.level, settings.log.format)
    from collector.daemon import CannotStart, run

    try:
        code = run(settings)
    except CannotStart as error:
        raise CommandError(str(error), WRONG) from error
    raise typer.Exit(code)


for command in (
    records.traces, records.trace, records.logins, records.login, records.agents, records.edges, records.hosts,
    records.watch,
):  # fmt: skip
    app.command()(command)


@app.command()
def enforce(
    mode: Annotated[ModeWord | None, typer.Argument(help="The highest mode of any policy from now on.")] = None,
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """Show the policies of the kernel side, or switch them: `off` acts at once, and stays off until `enforce`."""
    from collector.cli import tables

    with client(run_dir) as node:
        page(node.enforcement(mode.value if mode else ""), json, tables.policies)


@app.command()
def doctor(json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """Check this host, the daemon and the agents.

    The exit code is 1 where something fails.
    """
    from collector.cli import doctor as doctors
    from collector.cli import text

    checks = list(doctors.examine(run_dir))
    if json:
        import msgspec

        for check in checks:
            print(msgspec.json.encode(check).decode())  # noqa: T201
    else:
        doctors.show(text.console(), iter(checks))
    raise typer.Exit(int(any(check.state == "fail" for check in checks)))


@app.command()
def config(
    config: ConfigFile = None, run_dir: OptionalRunDir = None, state_dir: StateDir = None,
    docs: Annotated[bool, typer.Option("--docs", help="Print the meaning of every setting instead.")] = False,
) -> None:  # fmt: skip
    """Print the configuration in force, as a file that `up` reads."""
    from collector.config_text import documentation, to_toml

    if docs:
        print(documentation(), end="")  # noqa: T201
    else:
        print(to_toml(_settings(config, run_dir, state_dir)), end="")  # noqa: T201


@app.command()
def version() -> None:
    """Print the version."""
    from importlib import metadata

    try:
        print(f"cowitness {metadata.version('cowitness')}")  # noqa: T201
    except metadata.PackageNotFoundError:
        print("cowitness 0 (not installed as a package)")  # noqa: T201


def _settings(
    file: Path | None, run_dir: Path | None, state_dir: Path | None, no_probes: bool = False,
    log_level: LevelWord | None = None,
) -> Any:  # fmt: skip
    """The settings that file and flags make; raises CommandError."""
    from collector import config as configuration

    flags: dict[str, dict[str, Any]] = {
        "paths": {"run_dir": run_dir and str(run_dir), "state_dir": state_dir and str(state_dir)},
        "probes": {"enabled": False if no_probes else None},
        "log": {"level": log_level and log_level.value},
    }
    given = {name: {k: v for k, v in values.items() if v is not None} for name, values in flags.items()}
    try:
        return configuration.load(file, given)
    except configuration.ConfigError as error:
        raise CommandError(str(error), WRONG) from error


def _close_output() -> None:
    """Let nothing of what is still buffered fail at the interpreter's end."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
