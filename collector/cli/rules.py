"""`cowitness rules`: what rules there are, what one means, and what they say of a request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli.failure import WRONG, CommandError
from collector.cli.options import ConfigFile

if TYPE_CHECKING:
    from collector.detect.judge import Judge

app = typer.Typer(help="The rules in use: list, explain, test.", no_args_is_help=True)


@app.command("list")
def list_rules(
    config: ConfigFile = None,
    category: Annotated[str, typer.Option(help="Only rules of this category.")] = "",
) -> None:  # fmt: skip
    """List the rules: id, category, confidence, whether it blocks, name."""
    for line in _lines(config, category):
        typer.echo(line)


@app.command()
def explain(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="Such as sqli-001 or crs-942100.")],
    config: ConfigFile = None,
) -> None:  # fmt: skip
    """Show what a rule looks at and for, and its examples."""
    import msgspec

    judge = _judge(config)
    for rule in judge.rules:
        if rule.id == rule_id:
            typer.echo(msgspec.json.format(msgspec.json.encode(rule), indent=2).decode())
            return
    for core in judge.core_rules:
        if f"crs-{core.id}" == rule_id:
            typer.echo(f"crs-{core.id}  {core.message}\n{core.place}, phase {core.phase}, severity {core.severity}")
            for one in core.all():
                targets = " ".join(f"{v.name}:{v.key}" if v.key else v.name for v in one.variables)
                typer.echo(
                    f"  {targets}\n  @{one.operator.name} {one.operator.argument}\n  t: {','.join(one.transforms)}"
                )
            return
    raise CommandError(f"there is no rule '{rule_id}'", WRONG)


@app.command("test")
def test_request(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="A curl command in quotes, or a HAR file.")],
    config: ConfigFile = None,  # noqa: PT028
) -> None:  # fmt: skip
    """Say what the rules find in a request. The exit code is 1 where they find something."""
    from collector.cli.plain_request import RequestError, from_curl, from_har
    from collector.detect.inputs import inputs_of

    judge = _judge(config)
    try:
        records = [from_curl(request)] if request.lstrip().startswith("curl") else from_har(_read(request))
    except RequestError as error:
        raise CommandError(str(error), WRONG) from None
    found = False
    for record in records:
        typer.echo(ascii(f"{record.method} {record.target}"[:160])[1:-1])
        for one in judge.inspect(record, inputs_of(record)):
            found = True
            where = f"{one.location} {one.parameter}".strip()
            typer.echo(ascii(f"  {one.rule_id}  {one.category}  {where}: {one.highlight or one.value}"[:240])[1:-1])
    raise typer.Exit(int(found))


@app.command()
def report(config: ConfigFile = None) -> None:
    """List what of the Core Rule Set is not supported here, by rule."""
    judge = _judge(config)
    for problem in judge.core_problems:
        typer.echo(f"{problem.id or '-'}  {problem.place}  {problem.what[:120]}")


def _lines(config: Path | None, category: str) -> Iterator[str]:
    from collector.detect.seclang.findings import category as of_core

    judge = _judge(config)
    for rule in judge.rules:
        if category in ("", rule.category):
            yield f"{rule.id:14} {rule.category:20} {rule.confidence} {'block' if rule.block else '-':5}  {rule.name}"
    for core in judge.core_rules:
        if core.message and category in ("", of_core(core)):
            yield f"crs-{core.id:<10} {of_core(core):20} - -      {core.message}"


def _judge(config: Path | None) -> Judge:
    from collector import config as configuration
    from collector.detect.judge import Judge

    try:
        return Judge(configuration.load(config, {}).detect)
    except (configuration.ConfigError, ValueError) as error:
        raise CommandError(str(error), WRONG) from error


def _read(name: str) -> str:
    try:
        return Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name}: {error}", WRONG) from None
