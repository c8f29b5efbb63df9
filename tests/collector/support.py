"""A real daemon in a process of its own, and an agent written by hand: real sockets, real frames."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import grpc
from cowitness.v1 import cowitness_pb2 as pb
from cowitness.v1 import cowitness_pb2_grpc as rpc

HEADER = struct.Struct(">IBBHI")
HELLO, BATCH, ASK, STATUS, WELCOME, ACK, VERDICT, POLICY, ERROR = 1, 2, 3, 4, 17, 18, 19, 20, 21
START = """
import json, sys
from collector import config, logs
from collector.daemon import CannotStart, run
logs.configure("info", "json")
try:
    sys.exit(run(config.load(None, json.loads(sys.argv[1]))))
except CannotStart as error:
    sys.exit(f"cannot start: {error}")
"""
T = TypeVar("T")


def wait_for(probe: Callable[[], T], seconds: float = 20.0, what: str = "the condition") -> T:
    """Poll until `probe` returns something true; AssertionError with the last value otherwise."""
    end = time.monotonic() + seconds
    while not (value := probe()):
        assert time.monotonic() < end, f"{what} did not come true in {seconds} s; last seen: {value!r}"
        time.sleep(0.02)
    return value


def new_id() -> str:
    return f"{random.getrandbits(62) or 1:016x}"


class Agent:
    """One connection to the agent socket, blocking."""

    def __init__(self, path: Path, role: str = "stream", **hello: Any) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(path))
        self.sequence = 0
        body = {"pid": os.getpid(), "role": role, "mode": "monitor", "service": "fake", **hello}
        self.welcome = self.ask(HELLO, body, WELCOME)

    def send(self, kind: int, body: object) -> int:
        self.sequence += 1
        data = json.dumps(body).encode()
        self.sock.sendall(HEADER.pack(len(data), kind, 1, 0, self.sequence) + data)
        return self.sequence

    def read(self) -> tuple[int, int, Any]:
        """Kind, sequence and body of the next frame; raises EOFError."""
        length, kind, _, _, sequence = HEADER.unpack(self._exactly(HEADER.size))
        return kind, sequence, json.loads(self._exactly(length))

    def ask(self, kind: int, body: object, expected: int) -> Any:
        """Send, and read up to the answer of that kind."""
        sequence = self.send(kind, body)
        while True:
            answer = self.read()
            assert answer[0] in (expected, WELCOME, POLICY), answer
            if answer[:2] == (expected, sequence):
                return answer[2]

    def batch(self, *records: dict[str, Any]) -> None:
        """Send a batch and wait until it is acknowledged."""
        self.ask(BATCH, {"records": list(records)}, ACK)

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise EOFError("the inspector closed the connection")
            data += more
        return data


def attack_record(request_id: str, statement: str, value: str, kind: str = "shell", **fields: Any) -> dict[str, Any]:
    """The `end` record of a request whose parameter `host` ended up in a statement."""
    operation = {"index": 0, "kind": kind, "text": statement, "system": "subprocess", "start_time": time.time_ns()}
    return {
        "type": "request", "phase": "end", "request_id": request_id, "trace_id": request_id * 2, "method": "GET",
        "path": "/ping", "query": "host=" + value.replace(" ", "+").replace(";", "%3B"), "target": "/ping",
        "start_time": time.time_ns(), "duration": 1000, "status": 200, "operations": [operation], **fields,
    }  # fmt: skip


class Daemon:
    """A core process with its children, its directories, and a client of its API."""

    def __init__(self, directory: Path, **sections: dict[str, Any]) -> None:
        self.directory, self.run_dir = directory, directory / "run"
        self.settings = {
            "paths": {"run_dir": str(self.run_dir), "state_dir": str(directory / "state")},
            "metrics": {"listen": ""}, **sections,
        }  # fmt: skip
        self.log = directory / "log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def agent_socket(self) -> Path:
        return self.run_dir / "agent.sock"

    def launch(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen([sys.executable, "-c", START, json.dumps(self.settings)], stdout=log, stderr=log)

    def start(self) -> Daemon:
        """Launch and wait until it says that it is ready and its inspectors have reported."""
        already = self.log.read_text().count('"ready"') if self.log.exists() else 0
        self.process = process = self.launch()

        def ready() -> bool:
            assert process.poll() is None, self.log.read_text()[-4000:]
            return self.log.read_text().count('"ready"') > already

        wait_for(ready, 30, "the daemon's start")
        wait_for(lambda: self.host().counters.get("memory.inspectors"), 30, "the inspectors")
        return self

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(10)

    def children(self) -> list[int]:
        assert self.process is not None
        return [
            int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(f"unix:{self.run_dir / 'api.sock'}")

    def host(self) -> pb.Host:
        with self.channel() as channel:
            return rpc.NodeServiceStub(channel).ListHosts(pb.ListHostsRequest(), timeout=10).hosts[0]

    def agents(self) -> list[pb.Agent]:
        with self.channel() as channel:
            return list(rpc.NodeServiceStub(channel).ListAgents(pb.ListAgentsRequest(), timeout=10).agents)

    def traces(self) -> list[pb.AttackTrace]:
        with self.channel() as channel:
            stub = rpc.AttackTraceServiceStub(channel)
            return list(stub.ListAttackTraces(pb.ListAttackTracesRequest(page_size=1000), timeout=10).attack_traces)

    def trace(self, name: str) -> pb.AttackTrace:
        with self.channel() as channel:
            return rpc.AttackTraceServiceStub(channel).GetAttackTrace(pb.GetAttackTraceRequest(id=name), timeout=10)

    def counter(self, prefix: str) -> int:
        """The sum of the host's counters whose names begin so."""
        return sum(count for name, count in self.host().counters.items() if name.startswith(prefix))


@contextlib.contextmanager
def running_daemon(**sections: dict[str, Any]) -> Iterator[Daemon]:
    """A daemon in a directory with a short name, ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="cw-", ignore_cleanup_errors=True) as directory:
        daemon = Daemon(Path(directory), **sections).start()
        try:
            yield daemon
        finally:
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.stop()
