"""The command `cowitness`. Everything but Typer is imported by the command that needs it: `--help` stays quick."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from collector.cli import behaviour, executables, policy, rules
from collector.cli.failure import WRONG, CommandError
from collector.cli.options import (
    RUN_DIR,
    Address,
    Category,
    ConfigFile,
    Json,
    LevelWord,
    Limit,
    ModeWord,
    OptionalRunDir,
    Outcomes,
    RunDir,
    Service,
    Since,
    StateDir,
    TraceId,
    Until,
    User,
    Verdicts,
)  # fmt: skip

if TYPE_CHECKING:
    from collector.cli.client import Client

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


@app.command()
def traces(
    since: Since = None, until: Until = None, service: Service = None, verdict: Verdicts = None,
    address: Address = None, user: User = None, category: Category = None, trace_id: TraceId = None,
    limit: Limit = 100, json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """List attack traces, the newest first."""
    from collector.cli import words

    wanted = words.trace_filter(since, until, service, verdict, address, user, category, trace_id)
    with _client(run_dir) as client:
        _list(client.traces(wanted, limit), json, "traces", "no attack traces")


@app.command()
def trace(
    trace_id: Annotated[str, typer.Argument(metavar="ID", help="The id, or 4 or more of its first digits.")],
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """Show one attack trace, both witnesses side by side."""
    from collector.cli import text, trace_view

    with _client(run_dir) as client:
        found = client.trace(trace_id)
    if json:
        print_json([found])
    else:
        trace_view.show(text.console(), found)


@app.command()
def logins(
    since: Since = None, until: Until = None, service: Service = None, outcome: Outcomes = None,
    address: Address = None, user: User = None, limit: Limit = 100, json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """List logins, failed logins, logouts, sign-ups and the app's own events, the newest first."""
    from collector.cli import words

    wanted = words.login_filter(since, until, service, outcome, address, user)
    with _client(run_dir) as client:
        _list(client.logins(wanted, limit), json, "logins", "no login events")


@app.command()
def login(
    login_id: Annotated[str, typer.Argument(metavar="ID", help="The id, or 4 or more of its first digits.")],
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """Show one login event; of a login to the host also what its session executed."""
    from collector.cli import login_view, text

    with _client(run_dir) as client:
        found = client.login(login_id)
    if json:
        print_json([found])
    else:
        login_view.show(text.console(), found)


@app.command()
def agents(json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """List the app processes under an agent."""
    with _client(run_dir) as client:
        _list(client.agents(), json, "agents", "no agents")


@app.command()
def edges(json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """List which services talk to which, by the kernel's word on their connections."""
    with _client(run_dir) as client:
        _list(client.edges(), json, "edges", "no connections")


@app.command()
def hosts(json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """Show the host, its probes and all totals."""
    with _client(run_dir) as client:
        _list(client.hosts(), json, "hosts", "no hosts")


@app.command()
def watch(
    service: Service = None, verdict: Verdicts = None, address: Address = None, user: User = None,
    category: Category = None, outcome: Outcomes = None,
    limit: Annotated[int, typer.Option(min=0, help="End after so many; 0: never.")] = 0,
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """Show attack traces and logins as they come."""
    from collector.cli import text, words
    from collector.cli import watch as watching

    wanted = words.trace_filter(None, None, service, verdict, address, user, category)
    wanted_logins = words.login_filter(None, None, service, outcome, address, user)
    console = text.console()
    with _client(run_dir) as client, contextlib.suppress(KeyboardInterrupt):
        for count, item in enumerate(watching.news(client, wanted, wanted_logins), 1):
            if json:
                print_json([item])
            else:
                watching.show(console, item)
            if count == limit:
                return


@app.command()
def enforce(
    mode: Annotated[ModeWord | None, typer.Argument(help="The highest mode of any policy from now on.")] = None,
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """Show the policies of the kernel side, or switch them: `off` acts at once, and stays off until `enforce`."""
    from collector.cli import tables, text

    with _client(run_dir) as client:
        found = client.enforcement(mode.value if mode else "")
    if json:
        print_json([found])
    else:
        tables.policies(text.console(), found)


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
    from collector import config as configuration

    if docs:
        print(configuration.documentation(), end="")  # noqa: T201
    else:
        print(configuration.to_toml(_settings(config, run_dir, state_dir)), end="")  # noqa: T201


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


@contextlib.contextmanager
def _client(run_dir: Path) -> Iterator[Client]:
    """A client; raises CommandError at once where there is no socket."""
    from collector.cli.client import Client

    with Client(run_dir) as client:
        yield client


def _list(found: Iterable[Any], json: bool, kind: str, nothing: str) -> None:
    """Print a listing as documents or as the table of its kind."""
    if json:
        print_json(found)
        return
    from collector.cli import tables, text

    show: Callable[[Any, Iterable[Any]], int] = getattr(tables, kind)
    if not show(text.console(), found):
        print(nothing, file=sys.stderr)  # noqa: T201


def print_json(messages: Iterable[Any]) -> None:
    """The API's canonical JSON: one document a line, ASCII only, so that a terminal obeys nothing in it."""
    from google.protobuf.json_format import MessageToJson

    for message in messages:
        line = MessageToJson(message, indent=None, always_print_fields_with_no_presence=True, ensure_ascii=True)
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _close_output() -> None:
    """Let nothing of what is still buffered fail at the interpreter's end."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
