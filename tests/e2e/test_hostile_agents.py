"""Whatever connects to the agent socket harms only itself."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.e2e.harness import Node, free_port, running_app, wait_for
from tests.e2e.test_outage import APP, ATTACK

HEADER = struct.Struct(">IBBHI")


def frame(kind: int, body: bytes, version: int = 1, length: int | None = None) -> bytes:
    return HEADER.pack(len(body) if length is None else length, kind, version, 0, 1) + body


def hello(**fields: object) -> bytes:
    return frame(1, json.dumps({"pid": os.getpid(), "role": "stream", "mode": "monitor", **fields}).encode())


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "random bytes": lambda: noise(65536),
    "huge length": lambda: frame(1, b"{}", length=0xFFFFFFFF),
    "wrong version": lambda: frame(1, b"{}", version=9),
    "truncated frame": lambda: hello()[:-3],
    "not json": lambda: frame(1, b"\xff\xfe{{{{"),
    "wrong types": lambda: frame(1, b'{"pid": "one", "mode": 7}'),
    "deep json": lambda: hello() + frame(2, b'{"records":' + b"[" * 500_000),
    "batch before hello": lambda: frame(2, b'{"records":[]}'),
    "another pid": lambda: hello(pid=1),
    "answers of ours": lambda: hello() + frame(17, b'{"witnessed":true}'),
    "many frames": lambda: hello() + frame(4, b'{"mode":"monitor"}') * 20_000,
}


def hostile_total(node: Node) -> float:
    """The sum of the counters that speak of hostile frames and refused connections."""
    lines = re.findall(r"^cowitness_agent_(?:hostile|refused)\w*(?:\{.*\})? (\S+)$", node.metrics(), re.MULTILINE)
    return sum(map(float, lines))


def connect(node: Node) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(str(node.run_dir / "agent.sock"))
    return sock


def throw(node: Node, data: bytes) -> None:
    """Send everything and read until the other side closes or says nothing more."""
    with connect(node) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
        except OSError:
            pass


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_bytes(node: Node, tmp_path: Path, kind: str) -> None:
    """The node stays up, counts it, and answers another agent as before."""
    before = hostile_total(node)
    pids = node.children()
    throw(node, HOSTILE[kind]())
    wait_for(lambda: hostile_total(node) > before, 10, f"a counter for {kind}")
    assert node.children() == pids
    assert node.cli("agents").returncode == 0


def test_ten_thousand_connections(node: Node, tmp_path: Path) -> None:
    """10,000 connections that say nothing: bounded memory, and an honest app is attacked and seen meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 11_000:
        pytest.skip(f"this machine allows {hard} open files, 11000 are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    before = memory(node)
    crowd = []
    try:
        for _ in range(10_000):
            sock = socket.socket(socket.AF_UNIX)
            sock.setblocking(False)
            crowd.append(sock)
            try:
                sock.connect(str(node.run_dir / "agent.sock"))
            except OSError:
                sock.close()
        (tmp_path / "victim.py").write_text(APP)
        port = free_port()
        command = f"gunicorn -w 1 -b 127.0.0.1:{port} victim:app".split()
        with running_app(node, command, port, tmp_path, COWITNESS_SERVICE="crowded") as app:
            assert app.get(ATTACK)[0] == 200
            wait_for(lambda: node.traces("--service", "crowded"), 20, "the honest app's trace")
        assert memory(node) - before < 200 << 20
    finally:
        for sock in crowd:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory(node: Node) -> int:
    return sum(psutil.Process(pid).memory_info().rss for pid in node.family())
