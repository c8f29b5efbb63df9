"""What needs no rule: deeds of the kernel's testimony that no web request has business doing.

A finding of these stands by itself, whatever the app said and whether or not an input was recognised. It is `confirmed`
where the call worked and `attempted` where the kernel refused it; so is what a policy does not allow, denied or not:
that proves no attack. Each is narrow on purpose: a service that loads BPF
programs or debugs other processes while it serves requests will be told of, and nothing else will.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from collector.model import Action, Finding, Verdict
from probes.vocabulary import KernelEvent

LOCATION = "kernel"
"""Where the finding stands, instead of an input of the request."""

ATTACHING = ("PTRACE_ATTACH", "PTRACE_SEIZE", "PTRACE_POKETEXT", "PTRACE_POKEDATA", "process_vm_writev")
LOADING = ("PROG_LOAD", "PROG_ATTACH", "LINK_CREATE", "RAW_TRACEPOINT_OPEN")


class Deed(Struct, frozen=True):
    """A rule over one event. `done`: whether it is this deed; `told`: what of it the finding shows."""

    rule_id: str
    rule_name: str
    category: str
    tags: tuple[str, ...]
    done: Callable[[KernelEvent], bool]
    told: Callable[[KernelEvent], str]


def reverse_shell(event: KernelEvent) -> bool:
    """A program whose input and output are a network connection. Pipes and Unix sockets (asyncio's) are not.

    >>> reverse_shell(KernelEvent("exec", 0, 1, 1, streams=7, family="ipv4", address="192.0.2.7", port=4444))
    True
    >>> reverse_shell(KernelEvent("exec", 0, 1, 1, streams=1, family="unix"))
    False
    """
    return event.kind == "exec" and event.streams & 1 == 1 and event.streams & 6 > 0 and event.port > 0


def command(event: KernelEvent) -> str:
    name = f"{event.path} ({event.target})" if event.target else event.path
    return f"{name} [{' '.join(event.argv)}]"


def _decided(event: KernelEvent) -> str:
    what = event.path or f"{event.address} port {event.port}"
    end = "blocked in the kernel" if event.enforced else "would have been blocked in the kernel"
    if event.enforced and not event.result:  # it had its effect
        end = "ended in the kernel when it had happened"
    return f"{event.operation} {what}: {end} by {event.policy}"


def _other_process(event: KernelEvent) -> bool:
    return event.kind == "ptrace" and event.operation in ATTACHING and event.target_pid != event.pid


DEEDS = (
    Deed(
        "kernel-reverse-shell", "A program talks to the network by its standard streams", "reverse_shell",
        ("T1059", "CWE-78"), reverse_shell, lambda event: f"{command(event)} with {event.address} port {event.port}",
    ),
    Deed(
        "kernel-fileless", "A program without a file was executed", "fileless_execution", ("T1620", "CWE-94"),
        lambda event: event.kind == "exec" and event.nameless, command,
    ),
    Deed(
        "kernel-injection", "Another process was reached into", "process_injection", ("T1055",), _other_process,
        lambda event: f"{event.operation} of process {event.target_pid}",
    ),
    Deed(
        "kernel-module", "A kernel module was loaded or removed", "kernel_tampering", ("T1547.006", "T1014"),
        lambda event: event.kind == "module", lambda event: f"{event.operation} {event.path}",
    ),
    Deed(
        "kernel-policy", "A policy does not allow this", "policy_violation", ("T1059", "T1071"),
        lambda event: event.kind == "decision", _decided,
    ),
    Deed(
        "kernel-bpf", "A BPF program was loaded", "kernel_tampering", ("T1014",),
        lambda event: event.kind == "bpf" and event.operation in LOADING, lambda event: f"bpf {event.operation}",
    ),
)  # fmt: skip
KINDS = ("exec", "ptrace", "module", "bpf", "decision")


def deed_of(event: KernelEvent) -> Deed | None:
    """The deed that this event is, if any; quick for the events that are none."""
    if event.kind not in KINDS:
        return None
    return next((deed for deed in DEEDS if deed.done(event)), None)


def findings(events: Iterable[tuple[int, KernelEvent]]) -> dict[int, Finding]:
    """A finding for each event that is a deed, by the event's index."""
    found = {}
    for index, event in events:
        if (deed := deed_of(event)) is not None:
            done = event.result >= 0 and event.kind != "decision"
            stage = Verdict.CONFIRMED if done else Verdict.ATTEMPTED
            found[index] = Finding(
                deed.rule_id, deed.rule_name, deed.category, stage, deed.tags, location=LOCATION,
                parameter=event.policy or event.comm, value=deed.told(event)[:1024],
                action=Action.BLOCKED if event.enforced and event.result else Action.MONITORED,
            )  # fmt: skip
    return found
