"""What the kernel side is told to deny. Part of the configuration (collector/settings.py)."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from msgspec import Meta, Struct

from probes.vocabulary import Policy

MAX_PROGRAM_PATH = 123
"""Bytes that the kernel map of policies holds of a path (probes/bpf/policy.h)."""

MAX_PART = 54
"""Bytes that the kernel map of files holds of one part of a path (probes/bpf/paths.h)."""

MAX_POLICIES = 63

PolicyName = Annotated[
    str, Meta(pattern="^[a-z0-9][a-z0-9._-]*$", max_length=64, description="Stands in every decision.")
]
ProgramPath = Annotated[str, Meta(pattern="^/", max_length=MAX_PROGRAM_PATH)]
FilePath = Annotated[str, Meta(pattern="^/.", max_length=1024)]
Mode = Literal["off", "observe", "enforce"]


class PolicySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What the processes of a service, and all that descends from them, may execute, connect to and open."""

    name: PolicyName
    service: Annotated[
        str, Meta(min_length=1, max_length=200, description="Whom it is for; `*`: every service that no policy names.")
    ]
    mode: Annotated[Mode, Meta(description="`observe` lets happen what `enforce` would deny, and tells of both.")] = (
        "observe"
    )
    scope: Annotated[
        Literal["requests", "processes"],
        Meta(description="In requests only (marked threads and what they start), or always."),
    ] = "requests"
    execute: Annotated[
        Literal["any", "none", "no-shells", "listed"],
        Meta(description="Which programs may start. One that may not is killed before its first instruction."),
    ] = "any"
    programs: Annotated[
        tuple[ProgramPath, ...],
        Meta(max_length=256, description="For `listed`: paths, exactly as they are called."),
    ] = ()
    connect: Annotated[
        Literal["any", "no-metadata", "no-private", "listed"],
        Meta(
            description="Where connections and datagrams may go; one that may not fails with EPERM. `no-metadata` "
            "denies the addresses that tell a cloud's secrets, `no-private` private networks, too (but name servers)."
        ),
    ] = "any"
    networks: Annotated[
        tuple[str, ...],
        Meta(max_length=256, description="Addresses or networks (CIDR) that are allowed, whatever `connect` says."),
    ] = ()
    deny_read: Annotated[
        tuple[FilePath, ...],
        Meta(
            max_length=256,
            description="Files that may not be opened for reading: whole paths, or with a slash at the end all below a "
            "directory; as the kernel has them, links followed. Where the kernel takes security programs (BPF LSM) the "
            "open fails with EPERM; elsewhere the process is killed before it can read.",
        ),
    ] = ()
    deny_write: Annotated[
        tuple[FilePath, ...],
        Meta(
            max_length=256,
            description="The same for writing, and for removing, renaming away or over, linking, cutting, giving other "
            "rights or another owner, mounting over. Who is killed has created or emptied the file by then, or changed "
            "it in these other ways; without the BPF LSM these are judged by the path as it was written.",
        ),
    ] = ()


class EnforcementSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What the kernel side denies: nothing without a policy. `cowitness enforce off` turns it off at once."""

    mode: Annotated[Mode, Meta(description="The highest mode of any policy.")] = "enforce"
    policies: Annotated[
        tuple[PolicySettings, ...],
        Meta(max_length=MAX_POLICIES, description="Each as `[[enforcement.policies]]`, see below."),
    ] = ()


def policy_of(settings: PolicySettings) -> Policy:
    """The part of a policy that the kernel side needs."""
    return Policy(
        settings.name, settings.mode, settings.scope, settings.execute, settings.programs, settings.connect,
        settings.networks, settings.deny_read, settings.deny_write,
    )  # fmt: skip


def check(policies: tuple[PolicySettings, ...]) -> None:
    """Raise ValueError for what the types cannot refuse; it names the policy and the bad value."""
    names = [policy.name for policy in policies]
    for policy in policies:
        if names.count(policy.name) > 1:
            raise ValueError(f"enforcement.policies: two are named '{policy.name}'")
        for path in policy.programs:
            if len(path.encode()) > MAX_PROGRAM_PATH:
                raise ValueError(
                    f"enforcement.policies: {policy.name}: '{path}' has more than {MAX_PROGRAM_PATH} bytes"
                )
        for path in (*policy.deny_read, *policy.deny_write):
            _check_file(policy.name, path)
        for network in policy.networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(f"enforcement.policies: {policy.name}: {error}") from None


def _check_file(policy: str, path: str) -> None:
    parts = path.strip("/").split("/")
    if any(part in ("", ".", "..") or len(part.encode()) > MAX_PART for part in parts):
        raise ValueError(
            f"enforcement.policies: {policy}: '{path}' is no whole path, or has a part of more than {MAX_PART} bytes"
        )
