"""From the bytes of the ring buffers to events. Pure; the layouts mirror probes/bpf (a test compares them)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache

from probes.layout import HEAD, Fields, UndecodableError, text
from probes.subjects import (
    changes,
    credentials,
    datagrams,
    debugging,
    decisions,
    files,
    io_uring,
    logins,
    memory,
    process,
    signals,
    sockets,
    streams,
    system,
)  # fmt: skip
from probes.vocabulary import Attribution, KernelEvent

ATTRIBUTIONS: tuple[Attribution, ...] = ("none", "exact", "inherited")
DECODERS: dict[int, Callable[[bytes], Fields]] = {
    **process.DECODERS, **sockets.DECODERS, **files.DECODERS, **datagrams.DECODERS, **io_uring.DECODERS,
    **memory.DECODERS, **streams.DECODERS, **debugging.DECODERS, **credentials.DECODERS, **system.DECODERS,
    **changes.DECODERS, **signals.DECODERS, **decisions.DECODERS, **logins.DECODERS,
}  # fmt: skip


@lru_cache(4096)
def _name(comm: bytes) -> str:
    return text(comm)


@lru_cache(4096)
def _hex(request_id: int) -> str:
    return f"{request_id:016x}" if request_id else ""


def decode(data: bytes, offset: int, boot: int = 0) -> KernelEvent:
    """One event. `offset` and `boot` are what to add to the kernel's monotonic and boot-time clocks to get ns since the
    epoch. Raises UndecodableError."""
    try:
        time, request_id, start, pid, tid, parent, uid, kind, attribution, login_uid, _, comm = HEAD.unpack_from(data)
        fields = DECODERS[kind](data)
    except (struct.error, KeyError, IndexError) as error:
        raise UndecodableError(str(error)) from error
    return KernelEvent(
        time=time + offset,
        pid=pid,
        thread_id=tid,
        attribution=ATTRIBUTIONS[attribution] if attribution < len(ATTRIBUTIONS) else "none",
        request_id=_hex(request_id),
        parent_pid=parent,
        process_start=start + boot if start else 0,
        uid=uid,
        login_uid=login_uid,
        comm=_name(comm),
        **fields,
    )
