"""`cowitness policy`, `block`, `unblock`, `pass`, `blocked`: what is refused, and until when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli.asking import client, print_json
from collector.cli.failure import WRONG, CommandError
from collector.cli.options import RUN_DIR, Json, RunDir

if TYPE_CHECKING:
    from cowitness.v1 import cowitness_pb2 as pb

app = typer.Typer(help="Show or change the policy: what is refused, and what is looked at.", no_args_is_help=True)
Subject = Annotated[
    str, typer.Argument(metavar="WHO", help="An address, a network (CIDR), user:ID, session:DIGEST or country:XX.")
]
For = Annotated[
    str, typer.Option("--for", metavar="TIME", help="For how long, such as 90s, 15m, 12h or 7d; else for ever.")
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it stands in the trace.")]
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_KEY = 1024
LISTS = ("block", "suspicious", "allow")


@app.command()
def show(json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """Print the policy in force, as a document that `apply` reads."""
    with client(run_dir) as node:
        _tell(node.policy(), json, whole=True)


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML or JSON; see docs/policy.md.")],
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """Put a document in force, in place of the one before. What `block` and `pass` added stays."""
    data = _read(file)
    with client(run_dir) as node:
        _tell(node.apply_policy(data, file.name), json)


@app.command(name="set")
def set_mode(
    mode: Annotated[str, typer.Argument(metavar="MODE", help="off, monitor, block, or app: as each app says itself.")],
    service: Annotated[str, typer.Option(metavar="NAME", help="Of this service only.")] = "",
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """Set the mode of all services, or of one. Apps whose own COWITNESS_MODE is set keep it, but for `off`."""
    import msgspec

    if mode not in ("off", "monitor", "block", "app"):
        raise CommandError(f"'{mode}' is none of off, monitor, block and app", WRONG)
    with client(run_dir) as node:
        document = msgspec.json.decode(node.policy().document)
        if service:
            others = [one for one in document.get("services", []) if one["service"] != service]
            document["services"] = others + ([] if mode == "app" else [{"service": service, "mode": mode}])
        else:
            document["mode"] = "" if mode == "app" else mode
        _tell(node.apply_policy(msgspec.json.encode(document), "policy"), json)


@app.command()
def rollback(
    version: Annotated[int, typer.Argument(metavar="[VERSION]", min=0, help="The one before without it.")] = 0,
    json: Json = False, run_dir: RunDir = RUN_DIR,
) -> None:  # fmt: skip
    """Put an earlier version in force again, its lists with it."""
    with client(run_dir) as node:
        _tell(node.roll_back_policy(version), json)


@app.command()
def history(json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """List the versions that can be gone back to."""
    from collector.cli import tables, text

    with client(run_dir) as node:
        found = node.policy_versions()
    if json:
        print_json(found)
    else:
        tables.versions(text.console(), found)


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy, TOML or JSON.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="The private key: 32 bytes. Made where there is none.")],
    serial: Annotated[int, typer.Option(min=0, help="Must not be lower than that of the bundle before.")],
) -> None:
    """Print a signed bundle for `policy.file`; standard error says the public key for `policy.keys`."""
    import base64
    import os
    import sys

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from collector.policy.document import PolicyError, parse
    from collector.policy.signed import sign as signed

    if not key.exists():
        descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as new:
            new.write(os.urandom(32))
    try:
        secret = Ed25519PrivateKey.from_private_bytes(_read(key))
        bundle = signed(parse(_read(file), file.name), serial, secret.private_bytes_raw())
    except (PolicyError, ValueError) as error:
        raise CommandError(str(error), WRONG) from error
    print(f"public key: {base64.b64encode(secret.public_key().public_bytes_raw()).decode()}", file=sys.stderr)  # noqa: T201
    print(bundle.decode())  # noqa: T201


def block(who: Subject, lasting: For = "", reason: Reason = "", json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """Refuse somebody from now on, in apps whose mode is `block` or not set."""
    _add("block", who, lasting, reason, json, run_dir)


def allow(who: Subject, lasting: For = "", reason: Reason = "", json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """Never refuse somebody; what they do is recorded all the same."""
    _add("allow", who, lasting, reason, json, run_dir)


def unblock(who: Subject, json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """Take somebody off every list."""
    with client(run_dir) as node:
        _tell(node.remove_policy_entry(who), json)


def blocked(json: Json = False, run_dir: RunDir = RUN_DIR) -> None:
    """List who is refused, who is suspicious, who is never refused, and until when."""
    import msgspec

    from collector.cli import tables, text

    with client(run_dir) as node:
        document = msgspec.json.decode(node.policy().document)
    entries = [{"list": key, **entry} for key in LISTS for entry in document.get(key, [])]
    if json:
        for entry in entries:
            print(msgspec.json.encode(entry).decode())  # noqa: T201
    elif not tables.entries(text.console(), entries):
        print("nobody is listed")  # noqa: T201


def _add(key: str, who: str, lasting: str, reason: str, json: bool, run_dir: Path) -> None:
    seconds = duration(lasting)
    with client(run_dir) as node:
        _tell(node.add_policy_entry(key, who, reason, seconds), json)


def duration(text: str) -> int:
    """Seconds; 0 for an empty text. Raises CommandError.

    >>> duration("15m"), duration("7d"), duration("")
    (900, 604800, 0)
    """
    if not text:
        return 0
    if text[:-1].isdecimal() and text[:-1].isascii() and text[-1] in UNITS and int(text[:-1]) > 0:
        return int(text[:-1]) * UNITS[text[-1]]
    raise CommandError(f"--for: '{text}' is no time such as 90s, 15m, 12h or 7d", WRONG)


def _tell(found: pb.ProtectionPolicy, json: bool, whole: bool = False) -> None:
    """Print what is in force now."""
    import sys

    if json:
        print_json([found])
        return
    if whole:
        print(found.document)  # noqa: T201
    state = "in force" if found.applied else "kept, but not every inspector has it yet"
    print(f"policy version {found.version}: {state}", file=sys.stderr if whole else sys.stdout)
    if found.problem:
        print(f"the last change was refused: {found.problem}", file=sys.stderr)  # noqa: T201


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}", WRONG) from error
