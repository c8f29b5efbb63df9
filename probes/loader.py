"""The short-lived child that loads and attaches the programs and hands over the descriptors.

What is left of it is the holder: a shell that keeps the perf-event descriptors (they keep the programs attached) and
waits for the end of the socket. When the probe process ends, however it ends, the holder does; the kernel takes some
50 ms to detach each program, and nobody has to wait for that. The memory of a compiler is gone with the child, too.

Run as `python -m probes.loader FD`, with the settings as JSON on standard input; FD is one end of a Unix socket pair.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys

from probes import compile as compiler
from probes import objects, pam, tracefs
from probes.cache import Cache, key
from probes.distribution import MissingError
from probes.objects import Loaded, Objects

DESCRIPTORS = 200
"""Descriptors in one message; the kernel takes 253."""

HOLDER = ["cowitness-probes-holder", "-c", "exec 2>/dev/null; read -r _"]


def load(ring_bytes: int, structures: bool, cache: str) -> tuple[Loaded, Objects]:
    """The programs as they were kept, or else compiled anew: the best variant that loads."""
    kept = Cache(cache)
    texts, files = compiler.ingredients()
    name = key([*texts, b"structures" if structures else b""], files)
    if (found := kept.read(name)) is not None:
        with contextlib.suppress(OSError):  # the kernel takes it no more: compiled anew it may
            return objects.load(found, ring_bytes), found
    failure = Exception("nothing to try")
    for features in compiler.variants(structures):
        try:
            made = compiler.compiled(features)
            loaded = objects.load(made, ring_bytes)
        except Exception as error:
            failure = error
        else:
            kept.write(name, made)
            return loaded, made
    raise failure


def hand_over(channel: socket.socket, loaded: Loaded, made: Objects) -> None:
    """Send the descriptors of the maps and the programs, then become the holder of the attachments."""
    refused = dict(loaded.refused)
    attached = list(loaded.attached)
    try:
        attached += pam.watch(loaded)
    except OSError as error:
        refused["host_logins"] = error.strerror or str(error)
    descriptors = [*loaded.maps.values(), *loaded.programs.values()]
    answer = {
        "maps": list(loaded.maps), "programs": list(loaded.programs), "features": made.features,
        "refused": refused,
    }  # fmt: skip
    channel.sendall(json.dumps(answer).encode() + b"\n")
    for start in range(0, len(descriptors), DESCRIPTORS):
        socket.send_fds(channel, [b"\n"], descriptors[start : start + DESCRIPTORS])
    for descriptor in attached:
        os.set_inheritable(descriptor, True)
    os.dup2(channel.fileno(), 0)
    os.execv("/bin/sh", HOLDER)  # noqa: S606 - a shell is what is meant


def main() -> int:
    channel = socket.socket(fileno=int(sys.argv[1]))
    try:
        tracefs.ensure()
        hand_over(channel, *load(**json.load(sys.stdin)))
    except MissingError as error:
        channel.sendall(json.dumps({"error": str(error)}).encode() + b"\n")
    except Exception as error:
        who = "" if os.geteuid() == 0 else " (not root: CAP_BPF and CAP_PERFMON are needed)"
        told = {"error": f"the BPF programs do not load here{who}: {error}"}
        channel.sendall(json.dumps(told).encode() + b"\n")
    return 3


if __name__ == "__main__":
    sys.exit(main())
