"""The frame: what is read, what is refused, and every golden example of the contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.wire import agent, frames
from collector.wire.frames import FrameError, Head, Splitter, decode_head, encode
from probes import vocabulary

GOLDEN = Path(__file__).parents[3] / "proto" / "wire" / "golden"
READERS: dict[str, Callable[[bytes], Any]] = {
    "hello": agent.decode_hello,
    "batch": agent.decode_batch,
    "ask": agent.decode_ask,
    "ask_operation": agent.decode_ask,
    "status": agent.decode_status,
    "probe_hello": msgspec.json.Decoder(vocabulary.ProbeHello).decode,
    "events": msgspec.json.Decoder(vocabulary.Events).decode,
    "probe_stats": msgspec.json.Decoder(vocabulary.ProbeStats).decode,
    "done": msgspec.json.Decoder(vocabulary.Done).decode,
}
WRITTEN: dict[str, type] = {
    "welcome": agent.Welcome,
    "verdict": agent.Verdict,
    "policy": agent.Policy,
    "error": agent.Error,
    "enforce": vocabulary.Enforce,
    "register": vocabulary.Pids,
    "unregister": vocabulary.Pids,
}


@pytest.mark.parametrize("name", READERS)
def test_golden_bodies_are_read(name: str) -> None:
    """Each example body fits its schema, and every field that it holds arrives."""
    data = (GOLDEN / f"{name}.json").read_bytes()
    assert subset(json.loads(data), READERS[name](data))


@pytest.mark.parametrize("name", WRITTEN)
def test_golden_bodies_are_written(name: str) -> None:
    """What we write is what the example shows."""
    example = json.loads((GOLDEN / f"{name}.json").read_bytes())
    assert json.loads(msgspec.json.encode(msgspec.convert(example, WRITTEN[name]))) == example


def subset(part: Any, whole: Any) -> bool:
    """Whether the struct (or value) `whole` says everything that the JSON `part` says."""
    if isinstance(part, dict):
        known = whole if isinstance(whole, dict) else {**msgspec.structs.asdict(whole), "type": part.get("type")}
        return all(name in known and subset(value, known[name]) for name, value in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(subset, part, whole))
    return bool(part == whole)


def test_any_cut_gives_the_same_frames() -> None:
    """Fed byte by byte or at once, the same frames come out."""
    data = encode(1, 7, {"a": 1}) + encode(2, 8, {}) + encode(3, 9, {"x": "y" * 300})
    bytewise = Splitter()
    pieces = [frame for i in range(len(data)) for frame in bytewise.feed(data[i : i + 1])]
    assert pieces == Splitter().feed(data)
    assert [head for head, _ in pieces] == [Head(7, 1, 7), Head(2, 2, 8), Head(308, 3, 9)]
    assert bytewise.pending == 0


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frames.HEADER.pack(0, 1, 2, 0, 0), "bad_version"),
        (frames.HEADER.pack(0, 1, 1, 1, 0), "bad_header"),
        (frames.HEADER.pack((1 << 20) + 1, 1, 1, 0, 0), "too_large"),
    ],
)
def test_refused_headers(data: bytes, code: str) -> None:
    """A header that no honest peer sends is refused before its body is read."""
    with pytest.raises(FrameError) as caught:
        decode_head(data)
    assert caught.value.code == code


def test_one_mebibyte_is_allowed() -> None:
    """The limit itself fits."""
    assert decode_head(frames.HEADER.pack(1 << 20, 2, 1, 0, 5)) == Head(1 << 20, 2, 5)


@pytest.mark.parametrize(
    "change",
    [
        {"request_id": "XYZ"}, {"request_id": "1" * 15}, {"phase": "middle"}, {"start_time": -1},
        {"start_time": 1 << 64}, {"status": "200"}, {"headers": [["a"]]}, {"headers": [["a", "b"]] * 257},
        {"body": "x" * 524289},
        {"peer": {"port": 65536}}, {"operations": [{"index": 0, "kind": "magic"}]}, {"path_params": []},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_records_out_of_bounds(change: dict[str, Any]) -> None:
    """A field of the wrong type, size or range makes the whole batch invalid."""
    record = {"type": "request", "phase": "end", "request_id": "1" * 16}
    agent.decode_batch(json.dumps({"records": [record]}).encode())
    with pytest.raises(msgspec.ValidationError):
        agent.decode_batch(json.dumps({"records": [{**record, **change}]}).encode())


def test_unknown_fields_are_ignored() -> None:
    """That is how the protocol grows."""
    assert agent.decode_status(b'{"mode": "block", "weather": ["nice"]}').mode == "block"
