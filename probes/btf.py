"""Where the running kernel keeps what task.h reads: offsets from its own type information (BTF), by libbpf.

Headers of another kernel would give silently wrong offsets; these are the kernel's word about itself. A kernel without
BTF, or in which a field has moved away, gives None, and the programs do without.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from probes.distribution import library

STRUCT, UNION, FUNCTION = 4, 5, 12
FIELDS = (
    ("task_struct", "group_leader"), ("task_struct", "start_boottime"), ("task_struct", "exit_code"),
    ("task_struct", "real_parent"), ("task_struct", "tgid"),
    ("task_struct", "files"), ("task_struct", "mm"), ("task_struct", "loginuid"),
    ("files_struct", "fdt"), ("fdtable", "max_fds"), ("fdtable", "fd"),
    ("file", "f_inode"), ("file", "private_data"), ("inode", "i_mode"), ("inode", "i_nlink"),
    ("socket", "sk"), ("sock_common", "skc_family"), ("sock_common", "skc_dport"), ("sock_common", "skc_daddr"),
    ("sock_common", "skc_v6_daddr"), ("linux_binprm", "file"), ("linux_binprm", "filename"),
    ("task_struct", "signal"), ("signal_struct", "live"),
    ("mm_struct", "arg_start"), ("mm_struct", "arg_end"), ("mm_struct", "exe_file"),
)  # fmt: skip
Fields = tuple[tuple[str, str], ...]
PATH_FIELDS = (
    ("file", "f_mode"), ("dentry", "d_parent"), ("mount", "mnt_parent"), ("mount", "mnt_mountpoint"), ("mount", "mnt"),
    ("vfsmount", "mnt_root"), ("path", "mnt"), ("path", "dentry"), ("task_struct", "fs"), ("fs_struct", "root"),
    ("fs_struct", "pwd"),
)  # fmt: skip
"""What resolved paths are read from; done without where one is missing."""

END_FIELDS = (
    ("sock_common", "skc_num"), ("sock_common", "skc_rcv_saddr"), ("sock_common", "skc_v6_rcv_saddr"),
    ("sock_common", "skc_net"), ("tcp_sock", "bytes_received"),
)  # fmt: skip
"""What is read of a connection's own end; done without where one is missing."""

PREFIXES = {"task_struct": "TASK", "mm_struct": "MM"}


class _Types:
    """The kernel's types: look-ups by name, members through anonymous structs and unions."""

    def __init__(self) -> None:
        self._library = library()
        for name, result, arguments in (
            ("btf__load_vmlinux_btf", ctypes.c_void_p, []),
            ("btf__free", None, [ctypes.c_void_p]),
            ("btf__find_by_name_kind", ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32]),
            ("btf__type_by_id", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_uint32]),
            ("btf__name_by_offset", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_uint32]),
        ):
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._btf = self._library.btf__load_vmlinux_btf()
        if not self._btf or self._btf > (1 << 64) - 4096:  # an error pointer of older libraries
            raise LookupError("this kernel publishes no type information")

    def close(self) -> None:
        self._library.btf__free(self._btf)

    def offset(self, name: str, member: str) -> int:
        """Bytes from the beginning of struct `name` to `member`; raises LookupError."""
        found = self._member(self._library.btf__find_by_name_kind(self._btf, name.encode(), STRUCT), member.encode())
        if found is None:
            raise LookupError(f"struct {name} has no {member} in this kernel")
        return found // 8

    def function(self, name: str) -> int:
        return int(self._library.btf__find_by_name_kind(self._btf, name.encode(), FUNCTION))

    def _member(self, number: int, wanted: bytes) -> int | None:
        where = self._library.btf__type_by_id(self._btf, number) if number > 0 else None
        if not where:
            return None
        _, info, _ = struct.unpack("=III", ctypes.string_at(where, 12))
        if (info >> 24 & 0x1F) not in (STRUCT, UNION):
            return None
        bits = bool(info >> 31)
        for name_at, kind, position in struct.iter_unpack("=III", ctypes.string_at(where + 12, 12 * (info & 0xFFFF))):
            at: int = position & 0xFFFFFF if bits else position
            name = self._library.btf__name_by_offset(self._btf, name_at)
            if name == wanted:
                return at
            if not name and (inner := self._member(kind, wanted)) is not None:
                return at + inner
        return None


def offsets() -> dict[str, int] | None:
    """Definitions for task.h by name, or None where this kernel does not tell them all."""
    try:
        types = _Types()
    except (LookupError, AttributeError, OSError):
        return None
    try:
        found = {
            f"{PREFIXES.get(name, name.upper())}_{member.upper()}": types.offset(name, member)
            for name, member in FIELDS
        }
        found["FILE_DENTRY"] = types.offset("file", "f_path") + types.offset("path", "dentry")
        found["DENTRY_NAME"] = types.offset("dentry", "d_name") + types.offset("qstr", "name")
        return found | _path_offsets(types) | _end_offsets(types)
    except LookupError:
        return None
    finally:
        types.close()


def function(name: str) -> int:
    """The number of a function among the kernel's types; raises OSError where there is none."""
    try:
        types = _Types()
    except (LookupError, AttributeError) as error:
        raise OSError(errno.EOPNOTSUPP, str(error)) from error
    try:
        number = types.function(name)
    finally:
        types.close()
    if number <= 0:
        raise OSError(errno.EOPNOTSUPP, f"this kernel has no {name}")
    return number


def _path_offsets(types: _Types) -> dict[str, int]:
    """Definitions for paths.h."""
    return _all_offsets(types, "HAS_PATHS", PATH_FIELDS, "FILE_MOUNT", (("file", "f_path"), ("path", "mnt")))


def _end_offsets(types: _Types) -> dict[str, int]:
    """Definitions for what task.h reads of connections."""
    return _all_offsets(types, "HAS_ENDS", END_FIELDS, "NET_INUM", (("net", "ns"), ("ns_common", "inum")))


def _all_offsets(types: _Types, flag: str, fields: Fields, within: str, way: Fields) -> dict[str, int]:
    """The fields' offsets, that of one `within` another's, and the flag; empty where this kernel does not tell all."""
    try:
        found = {f"{name.upper()}_{member.upper()}": types.offset(name, member) for name, member in fields}
        found[within] = sum(types.offset(name, member) for name, member in way)
    except LookupError:
        return {}
    return found | {flag: 1}
