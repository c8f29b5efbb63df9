"""Bytes of the ring buffer to events, and the layouts on both sides of it."""

from __future__ import annotations

import re
import socket
import struct
from pathlib import Path

import pytest

from probes import decode, enforcement, files_policy, kernel, layout, vocabulary
from probes.subjects import calls, credentials, datagrams, decisions, files, logins, process, sockets, streams

BPF = Path(__file__).resolve().parents[2] / "probes" / "bpf"
SIZES = {
    "u64": 8, "u32": 4, "s32": 4, "char": 1, "struct head": layout.HEAD.size, "struct inet_address": 32,
}  # fmt: skip


def c_struct(name: str) -> dict[str, tuple[int, int]]:
    """(offset, size) of each field of a struct in probes/bpf, by the rules of alignment."""
    text = "\n".join(path.read_text() for path in sorted(BPF.iterdir()))
    numbers = {key: int(value) for key, value in re.findall(r"#define (\w+) (\d+)$", text, re.MULTILINE)}
    body = re.search(rf"struct {name} {{(.*?)^}};", text, re.DOTALL | re.MULTILINE)
    assert body, name
    fields, offset = {}, 0
    for kind, field, length in re.findall(r"^\s+(struct \w+|\w+) (\w+)(?:\[(\w+)\])?;", body[1], re.MULTILINE):
        unit = SIZES[kind]
        size = unit * numbers.get(length, 1)
        assert offset % min(unit, 8) == 0, f"{name}.{field} would be padded"
        fields[field] = (offset, size)
        offset += size
    return fields


@pytest.mark.parametrize(
    ("name", "packed", "rest"),
    [
        ("head", layout.HEAD, ()), ("fork_event", process.FORK, ()), ("exec_event", process.EXEC, ("data",)),
        ("exit_event", process.EXIT, ()), ("socket_event", sockets.SOCKET, ("address",)),
        ("open_event", files.OPEN, ("path",)),
        ("call_event", calls.CALL, ("text", "more")), ("stream_event", streams.STREAM, ()),
        ("datagram_event", datagrams.DATAGRAM, ("payload",)), ("decision_event", decisions.DECISION, ()),
        ("login_event", logins.LOGIN, ()), ("turn_event", sockets.TURN, ()),
        ("file_decision", decisions.FILE, ("path", "rest")), ("node_key", files_policy.KEY, ()),
        ("node", files_policy.NODE, ()),
    ],
)  # fmt: skip
def test_layout(name: str, packed: struct.Struct, rest: tuple[str, ...]) -> None:
    """The C struct up to its variable end has the size that is unpacked here."""
    fields = c_struct(name)
    fixed = sum(size for field, (_, size) in fields.items() if field not in ("head", *rest))
    assert fixed == packed.size


def enum(name: str) -> list[str]:
    text = "\n".join(path.read_text() for path in sorted(BPF.iterdir()))
    body = re.search(rf"enum {name} {{(.*?)}};", text, re.DOTALL)
    assert body, name
    return [word.split("=")[0].strip() for word in body[1].split(",") if word.strip()]


def test_words_of_policies() -> None:
    """What a policy says in words is the kernel's number of it."""
    assert enum("mode") == [word.upper() for word in vocabulary.MODES]
    assert enum("scope") == [word.upper() for word in enforcement.SCOPES]
    assert enum("execution") == ["ANY", "NOTHING", "NO_SHELLS", "LISTED"]
    assert enforcement.EXECUTE == ("any", "none", "no-shells", "listed")
    assert (enum("network"), enforcement.ALLOW) == (["ALLOW", "DENY", "DNS_ONLY"], 1)


def test_names_of_calls_and_drops() -> None:
    """The numbers that the programs write mean the same on this side; every kind has its decoder."""
    assert [name.removeprefix("OP_") for name in enum("operation")] == list(calls.OPERATIONS)
    assert [name.lower() for name in enum("drop")][:-1] == list(kernel.REASONS)
    assert sorted(decode.DECODERS) == list(range(1, len(enum("kind")) + 1))
    named = [word.removeprefix("KIND_").lower() for word in enum("kind")]
    assert [word.split("_")[0] if "decision" in word else word for word in named] == list(kernel.KINDS.values())


def head(kind: int, attribution: int = 0, request: int = 0) -> bytes:
    return layout.HEAD.pack(5, request, 7, 10, 11, 12, 13, kind, attribution, 14, 0, b"sh\0garbage")


def test_open() -> None:
    """All fields of the head and of one kind; the clock's offset is added."""
    event = decode.decode(head(6, 1, 0xAB) + files.OPEN.pack(-2, 64) + b"/a/\xff\0", 1000)
    assert (event.time, event.request_id, event.pid, event.thread_id, event.parent_pid, event.uid) == (
        1005, "00000000000000ab", 10, 11, 12, 13,
    )  # fmt: skip
    assert (event.kind, event.attribution, event.comm, event.path) == ("open", "exact", "sh", "/a/\\xff")
    assert (event.result, event.flags, event.login_uid, event.process_start) == (-2, 64, 14, 7)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", ()), (b"a\0", ("a",)), (b"a\0b c\0\0", ("a", "b c", "")), (b"a\0cut", ("a", "cut")), (b"\0", ("",))],
)
def test_arguments(data: bytes, words: tuple[str, ...]) -> None:
    """Arguments are cut at their zeros; an empty one counts, the missing zero of a cut one does not."""
    event = decode.decode(head(1) + process.EXEC.pack(len(data), 1, 0, 0, 0, 0, b"", b"", b"/bin/x") + data, 0)
    assert (event.argv, event.argv_truncated, event.path) == (words, True, "/bin/x")


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        (struct.pack("=H", 2) + b"\x1f\x90\x7f\0\0\1" + b"\0" * 8,
         {"family": "ipv4", "address": "127.0.0.1", "port": 8080}),
        (struct.pack("=H", 10) + b"\0\x50" + b"\0" * 4 + b"\0" * 15 + b"\1" + b"\0" * 4,
         {"family": "ipv6", "address": "::1", "port": 80}),
        (struct.pack("=H", 1) + b"/run/x\0zzz", {"family": "unix", "path": "/run/x"}),
        (struct.pack("=H", 1) + b"\0name", {"family": "unix", "path": "@name"}),
        (struct.pack("=H", socket.AF_NETLINK) + b"12345678", {}),
        (b"\2", {}), (struct.pack("=H", 2) + b"\1", {}),
    ],
)  # fmt: skip
def test_peer(address: bytes, fields: dict[str, object]) -> None:
    """Each family that is known, and none of what is cut short."""
    assert layout.peer(address) == fields


@pytest.mark.parametrize("data", [b"", b"x" * 20, head(0), head(99), head(1), head(6) + b"1"])
def test_undecodable(data: bytes) -> None:
    """What is too short or of no known kind raises, and nothing else."""
    with pytest.raises(layout.UndecodableError):
        decode.decode(data, 0)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"\0\1\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\x1c\0\1", ("www.example", "AAAA")),
        (b"\0\1\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1", (".", "NS")),
        (b"\0\1\1\0\0\1\0\0\0\0\0\0\3a\xff\n\0\1\0\0\1", ("a\\xff\n", "256")),
        (b"\0\1\x81\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1", ("", "")),
        (b"\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", ("", "")),
        (b"\0\1\1\0\0\1\0\0\0\0\0\0\x3fshort", ("", "")),
        (b"\0" * 12, ("", "")), (b"", ("", "")),
    ],
)  # fmt: skip
def test_dns_question(payload: bytes, expected: tuple[str, str]) -> None:
    """The first question of a query; nothing of answers, compressed names, cut or empty messages."""
    assert datagrams.question(payload) == expected


def test_capabilities_fit_into_a_record() -> None:
    """A set with every bit, which only a hostile caller asks for, stays a number that databases take."""
    body = calls.CALL.pack(-1, calls.OPERATIONS.index("capset"), (1 << 64) - 1, 5, 0)
    assert credentials.changed(head(15) + body)["ids"] == ((1 << 63) - 1, 5)
