"""The loaded programs: their maps and their ring buffer, through libbpf (which BCC depends on) by ctypes."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
from typing import Any

from probes import rings
from probes.distribution import MissingError, library
from probes.rings import Ring, drain

RINGS = ("events", "bulk", "evidence")
REASONS = (
    "ring_full", "bulk_ring_full", "evidence_ring_full", "marks_full", "scratch_full", "registered_full", "unreadable",
)  # fmt: skip
KINDS = dict(enumerate((
    "exec", "fork", "exit", "connect", "accept", "open", "bind", "listen", "send", "io_uring", "memfd",
    "executable_memory", "stream", "ptrace", "credentials", "module", "bpf", "mount", "namespace", "delete", "rename",
    "link", "chmod", "signal", "decision", "decision", "decision", "login", "turn", "truncate", "chown",
    "dns",
), 1))  # fmt: skip
"""As common.h counts them."""

SENSITIVE_SIZE = 64
PROGRAM_INFO, RUN_TIME = 232, 192
"""Bytes of struct bpf_prog_info up to what we need, and where its run_time_ns and run_cnt are."""

MAY_MARK, DESCENDS, POLICY_SHIFT = 1, 2, 8
LOAD_SECONDS = 180


def _library() -> ctypes.CDLL:
    found = library()
    rings.prepare(found)
    found.bpf_raw_tracepoint_open.argtypes = [ctypes.c_char_p, ctypes.c_int]
    return found


def load(ring_bytes: int, structures: bool = True, cache: str = "") -> Kernel:
    """Compile, attach and take over; raises MissingError. `ring_bytes`: a power of two, 4096 and more. Without
    `structures` the programs read no structures of the kernel, as on kernels that publish no types. `cache` is a
    directory for compiled programs."""
    ours, theirs = socket.socketpair()
    with theirs, tempfile.TemporaryFile() as noise, tempfile.TemporaryFile() as settings:
        settings.write(json.dumps({"ring_bytes": ring_bytes, "structures": structures, "cache": cache}).encode())
        settings.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-m", "probes.loader", str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stdin=settings, stdout=subprocess.DEVNULL, stderr=noise,
        )  # fmt: skip
        theirs.close()
        try:
            return Kernel(child, ours, *_received(ours))
        except TimeoutError as error:
            child.kill()
            raise MissingError(f"compiling the BPF programs took more than {LOAD_SECONDS} s") from error
        except EOFError as error:
            noise.seek(0)
            told = noise.read().decode(errors="replace")[-500:]
            raise MissingError(f"the loader died with {child.wait()}: {told}") from error


def _received(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What the loader says, and the descriptors that come with it."""
    channel.settimeout(LOAD_SECONDS)
    line = b""
    while not line.endswith(b"\n"):
        if not (byte := channel.recv(1)):
            raise EOFError
        line += byte
    answer = json.loads(line)
    if "error" in answer:
        raise MissingError(answer["error"])
    descriptors: list[int] = []
    while len(descriptors) < len(answer["maps"]) + len(answer["programs"]):
        data, more, _, _ = socket.recv_fds(channel, 1, 250)
        if not data:
            raise EOFError
        descriptors += more
    return answer, descriptors


class Kernel:
    """The kernel's side, seen from here. Everything ends when this process does: nothing is pinned. `channel` is at its
    end when the programs are no longer attached."""

    def __init__(
        self, holder: subprocess.Popen[bytes], channel: socket.socket, answer: dict[str, Any], descriptors: list[int]
    ) -> None:
        self._holder, self.channel = holder, channel
        self.features: list[str] = answer["features"]
        self.refused: dict[str, str] = answer["refused"]
        maps = len(answer["maps"])
        self._maps = dict(zip(answer["maps"], descriptors, strict=False))
        self._programs = dict(zip(map(short, answer["programs"]), descriptors[maps:], strict=True))
        self._statistics = self._call32 = -1
        self._library = _library()
        self._rings = [Ring(self._library, self._maps[name]) for name in RINGS]
        self.evidence = self._rings[RINGS.index("evidence")]

    def drain(self) -> tuple[list[bytes], bool]:
        """A bite of the events that wait in the rings, oldest first, and whether there are more; does not wait."""
        return drain(self._rings)

    def policy(self, pid: int) -> int:
        """The number of the policy that a process is under; 0 for none."""
        value = ctypes.create_string_buffer(4)
        if self._library.bpf_map_lookup_elem(self._maps["registered"], struct.pack("=I", pid), value):
            return 0
        return int(struct.unpack("=I", value.raw)[0]) >> POLICY_SHIFT

    def register(self, pid: int, policy: int = 0) -> bool:
        """Let marks of this thread group count, under the policy with this number; False where it does not fit."""
        return self.update("registered", struct.pack("=I", pid), struct.pack("=I", policy << POLICY_SHIFT | MAY_MARK))

    def unregister(self, pid: int) -> None:
        """Its marks count no more; those that are set stay until they are cleared or their thread ends. A policy holds
        as long as the process lives: to hang up is no way out of it."""
        key = struct.pack("=I", pid)
        if policy := self.policy(pid):
            self.update("registered", key, struct.pack("=I", policy << POLICY_SHIFT | DESCENDS))
        else:
            self._library.bpf_map_delete_elem(self._maps["registered"], key)

    def listen32(self, wanted: bool) -> bool:
        """Attach or detach what 32-bit processes need (bpf/compat.c); whether they are heard."""
        if wanted and self._call32 < 0 and "on_call32" in self._programs:
            self._call32 = self._library.bpf_raw_tracepoint_open(b"sys_enter", self._programs["on_call32"])
        elif not wanted and self._call32 >= 0:
            os.close(self._call32)
            self._call32 = -1
        return self._call32 >= 0

    def watch_path(self, path: str) -> bool:
        """Report opens of this path by anybody; at most 63 bytes, exactly as programs write it."""
        key = path.encode()
        if len(key) >= SENSITIVE_SIZE:
            return False
        return self.update("sensitive_paths", key.ljust(SENSITIVE_SIZE, b"\0"), struct.pack("=I", 1))

    def dropped(self) -> dict[str, int]:
        """What the programs could not keep, by reason, since they were loaded."""
        value = ctypes.create_string_buffer(8)
        counts = {}
        for index, reason in enumerate(REASONS):
            self._library.bpf_map_lookup_elem(self._maps["drops"], struct.pack("=I", index), value)
            counts[reason] = struct.unpack("=Q", value.raw)[0]
        return counts

    def lost(self) -> dict[str, int]:
        """Events that found their ring full, by kind, since the programs were loaded."""
        value = ctypes.create_string_buffer(8)
        counts: dict[str, int] = {}
        for number, kind in KINDS.items():
            self._library.bpf_map_lookup_elem(self._maps["lost"], struct.pack("=I", number), value)
            if count := struct.unpack("=Q", value.raw)[0]:
                counts[kind] = counts.get(kind, 0) + count
        return counts

    def measure(self) -> None:
        """Have the kernel count the runs of BPF programs and their time, until this process ends (Linux 5.8; it costs
        two readings of a clock a run, for every BPF program of the host)."""
        enable = getattr(self._library, "bpf_enable_stats", None)
        self._statistics = enable(0) if enable else -1

    def costs(self) -> dict[str, tuple[int, int]]:
        """Runs and nanoseconds by program since it was loaded, as far as the kernel counted them."""
        info, counted = ctypes.create_string_buffer(PROGRAM_INFO), {}
        for name, descriptor in self._programs.items():
            size = ctypes.c_uint32(PROGRAM_INFO)
            ctypes.memset(info, 0, PROGRAM_INFO)
            if self._library.bpf_obj_get_info_by_fd(descriptor, info, ctypes.byref(size)) == 0:
                spent, runs = struct.unpack_from("=QQ", info.raw, RUN_TIME)
                counted[name] = (runs, spent)
        return counted

    def entries(self, name: str, key_size: int = 4) -> list[bytes]:
        """The keys of a map."""
        keys, key = list[bytes](), ctypes.create_string_buffer(key_size)
        previous = None
        while self._library.bpf_map_get_next_key(self._maps[name], previous, key) == 0 and len(keys) < 100_000:
            keys.append(key.raw)
            previous = ctypes.create_string_buffer(key.raw, key_size)
        return keys

    def program(self, name: str) -> int:
        """The descriptor of a program that is not attached by itself; raises OSError where the kernel refused it."""
        if name not in self._programs:
            raise OSError(errno.EOPNOTSUPP, self.refused.get(name, f"there is no program {name}"))
        return self._programs[name]

    def clear(self, name: str, key_size: int) -> None:
        """Delete every entry of a map."""
        for key in self.entries(name, key_size):
            self._library.bpf_map_delete_elem(self._maps[name], key)

    def update(self, name: str, key: bytes, value: bytes) -> bool:
        """Set an entry of a map; False where it finds no room."""
        return int(self._library.bpf_map_update_elem(self._maps[name], key, value, ctypes.c_uint64(0))) == 0

    def close(self) -> None:
        """Let go of the programs and the maps; the kernel detaches them within seconds."""
        for ring in self._rings:
            ring.close()
        self.listen32(False)
        self.channel.close()
        for descriptor in (*self._programs.values(), *self._maps.values()):
            os.close(descriptor)
        if self._statistics >= 0:
            os.close(self._statistics)
        self._programs.clear()
        self._maps.clear()

    def detached(self) -> None:
        """Wait until the kernel has detached the programs; after `close`."""
        self._holder.wait()


def short(name: str) -> str:
    """A program's name as people know it.

    >>> short("tracepoint__syscalls__sys_enter_openat"), short("on_call")
    ('sys_enter_openat', 'on_call')
    """
    return name.split("__")[-1]
