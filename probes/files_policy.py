"""Files of policies as the kernel's map holds them (bpf/paths.h): a tree of the parts of their paths."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from probes.vocabulary import Policy

PART_SIZE = 56
KEY, NODE = struct.Struct(f"={PART_SIZE}sI4x"), struct.Struct("=4I")
READ, WRITE = 1, 2
MAX_POLICIES = 63
HOOKS = (
    "path_unlink", "path_rmdir", "path_mkdir", "path_mknod", "path_symlink", "path_link", "path_rename",
    "path_truncate", "path_chmod", "path_chown", "file_truncate", "sb_mount", "move_mount",
)  # fmt: skip
"""Security hooks of what changes files besides opens (bpf/protect.c). Not every kernel has every one; what cannot be
done without is NEEDED."""

NEEDED = ("path_unlink", "path_rename", "path_truncate")
Update = Callable[[bytes, bytes], bool]


class Tree:
    """Numbers of nodes and what stands at them. `update` sets an entry of the map; False where it finds no room."""

    def __init__(self, update: Update) -> None:
        self._update = update
        self._nodes: dict[tuple[int, str], tuple[int, int, int, int]] = {}

    def add(self, number: int, policy: Policy) -> str:
        """The files of a policy; empty, or which finds no room."""
        for path, denied in files(policy):
            if not self._place(number, path, denied):
                return f"{policy.name}: {path} finds no room"
        return ""

    def _place(self, node: int, path: str, denied: int) -> bool:
        parts = path.strip("/").split("/")
        for place, part in enumerate(parts, 1):
            unknown = (MAX_POLICIES + 1 + len(self._nodes), 0, 0, 0)
            following, itself, below, leads = self._nodes.get((node, part), unknown)
            if place == len(parts):
                itself, below = (itself, below | denied) if path.endswith("/") else (itself | denied, below)
            self._nodes[node, part] = following, itself, below, leads | denied
            if not self._update(key(node, part), NODE.pack(*self._nodes[node, part])):
                return False
            node = following
        return True


def files(policy: Policy) -> Iterator[tuple[str, int]]:
    """Each path of a policy, and what of it is denied."""
    yield from ((path, READ) for path in policy.deny_read)
    yield from ((path, WRITE) for path in policy.deny_write)


def key(node: int, part: str) -> bytes:
    return KEY.pack(part.encode()[: PART_SIZE - 1], node)
