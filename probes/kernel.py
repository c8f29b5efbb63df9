"""The loaded programs: their maps and their ring buffer, through libbpf (which BCC depends on) by ctypes."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence

from probes.distribution import MissingError

REASONS = ("ring_full", "marks_full", "scratch_full", "registered_full", "unreadable")
SENSITIVE_SIZE = 64
LOAD_SECONDS = 60
Sample = Callable[[bytes], None]
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


def _library() -> ctypes.CDLL:
    for name in ("libbpf.so.1", "libbpf.so.0", "libbcc.so.0"):
        try:
            library = ctypes.CDLL(name, use_errno=True)
        except OSError:
            continue
        library.ring_buffer__new.restype = ctypes.c_void_p
        library.ring_buffer__new.argtypes = [ctypes.c_int, _CALLBACK, ctypes.c_void_p, ctypes.c_void_p]
        library.ring_buffer__consume.argtypes = [ctypes.c_void_p]
        library.bpf_raw_tracepoint_open.argtypes = [ctypes.c_char_p, ctypes.c_int]
        return library
    raise MissingError("libbpf is missing: install the distribution's BCC (Debian: python3-bpfcc)")


def load(ring_bytes: int) -> Kernel:
    """Compile, attach and take over; raises MissingError. `ring_bytes`: a power of two, 4096 and more."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = subprocess.Popen(
            [sys.executable, "-m", "probes.compile", str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        theirs.close()
        try:
            _, noise = child.communicate(json.dumps({"ring_bytes": ring_bytes}).encode(), timeout=LOAD_SECONDS)
        except subprocess.TimeoutExpired as error:
            child.kill()
            child.communicate()
            raise MissingError(f"compiling the BPF programs took more than {LOAD_SECONDS} s") from error
        data, descriptors, _, _ = socket.recv_fds(ours, 65536, 250)
    if not data:
        raise MissingError(f"the loader died with {child.returncode}: {noise.decode(errors='replace')[-500:]}")
    answer = json.loads(data)
    if "error" in answer:
        raise MissingError(answer["error"])
    return Kernel(dict(zip(answer["maps"], descriptors, strict=False)), descriptors[len(answer["maps"]) :])


class Kernel:
    """The kernel's side, seen from here. Everything ends when this process does: nothing is pinned."""

    def __init__(self, maps: dict[str, int], attached: Sequence[int]) -> None:
        self._maps = maps
        self._attached = list(attached)
        self._call32 = -1
        self._library = _library()
        self._samples: list[bytes] = []
        self._callback = _CALLBACK(self._sample)
        self._ring = self._library.ring_buffer__new(maps["events"], self._callback, None, None)
        if not self._ring:
            raise MissingError(f"the ring buffer cannot be read: {os.strerror(ctypes.get_errno())}")

    def _sample(self, _context: int, data: int, size: int) -> int:
        self._samples.append(ctypes.string_at(data, size))
        return 0

    def drain(self) -> list[bytes]:
        """Every event that waits in the ring, oldest first; does not wait."""
        self._library.ring_buffer__consume(self._ring)
        samples, self._samples = self._samples, []
        return samples

    def register(self, pid: int) -> bool:
        """Let marks of this thread group count; False where it does not fit."""
        return self._update("registered", struct.pack("=I", pid), struct.pack("=I", 1))

    def unregister(self, pid: int) -> None:
        """Its marks count no more; those that are set stay until they are cleared or their thread ends."""
        key = struct.pack("=I", pid)
        self._library.bpf_map_delete_elem(self._maps["registered"], key)

    def listen32(self, wanted: bool) -> bool:
        """Attach or detach what 32-bit processes need (bpf/compat.c); whether they are heard."""
        if wanted and self._call32 < 0 and "on_call32" in self._maps:
            self._call32 = self._library.bpf_raw_tracepoint_open(b"sys_enter", self._maps["on_call32"])
        elif not wanted and self._call32 >= 0:
            os.close(self._call32)
            self._call32 = -1
        return self._call32 >= 0

    def watch_path(self, path: str) -> bool:
        """Report opens of this path by anybody; at most 63 bytes, exactly as programs write it."""
        key = path.encode()
        if len(key) >= SENSITIVE_SIZE:
            return False
        return self._update("sensitive_paths", key.ljust(SENSITIVE_SIZE, b"\0"), struct.pack("=I", 1))

    def dropped(self) -> dict[str, int]:
        """What the programs could not keep, by reason, since they were loaded."""
        value = ctypes.create_string_buffer(8)
        counts = {}
        for index, reason in enumerate(REASONS):
            self._library.bpf_map_lookup_elem(self._maps["drops"], struct.pack("=I", index), value)
            counts[reason] = struct.unpack("=Q", value.raw)[0]
        return counts

    def entries(self, name: str, key_size: int = 4) -> list[bytes]:
        """The keys of a map."""
        keys, key = list[bytes](), ctypes.create_string_buffer(key_size)
        previous = None
        while self._library.bpf_map_get_next_key(self._maps[name], previous, key) == 0 and len(keys) < 100_000:
            keys.append(key.raw)
            previous = ctypes.create_string_buffer(key.raw, key_size)
        return keys

    def _update(self, name: str, key: bytes, value: bytes) -> bool:
        return int(self._library.bpf_map_update_elem(self._maps[name], key, value, ctypes.c_uint64(0))) == 0

    def close(self) -> None:
        """Detach every program and free the maps."""
        self._library.ring_buffer__free(ctypes.c_void_p(self._ring))
        self.listen32(False)
        for descriptor in (*self._attached, *self._maps.values()):
            os.close(descriptor)
        self._attached.clear()
        self._maps.clear()
