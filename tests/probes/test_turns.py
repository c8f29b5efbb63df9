"""Both ends of connections, and which request was at it when something was sent on one that is kept."""

from __future__ import annotations

import socket

import pytest

from probes.vocabulary import KernelEvent
from tests.probes.support import Core, run_marked

ECHO = """
host = sys.argv[1]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
server = socket.create_server((host, 0), family=family)
def echo():
    peer, _ = server.accept()
    while data := peer.recv(100):
        if data.endswith(b"mark"):
            peer.sendall(data)
threading.Thread(target=echo).start()
def talk(connection):
    connection.sendall(b"question")
    connection.sendall(b"mark")
    seen = b""
    while not seen.endswith(b"mark"):
        seen += connection.recv(100)
def end():
    mark(0)
    connection.close()
    mark(0x99)
    os.fork() or os._exit(0)  # opens come by another ring, and may be told before
"""


@pytest.fixture(autouse=True)
def able(core: Core) -> None:
    assert core.hello
    reasons = [one.reason for one in core.hello.capabilities if one.name == "connection_ends"]
    if reasons[0]:
        pytest.skip(reasons[0])
    core.events.clear()


def told(core: Core, code: str, host: str = "127.0.0.1") -> list[KernelEvent]:
    run_marked(core, ECHO + code, host)
    core.until(lambda: any(event.kind == "fork" for event in core.of(0x99)))
    return [event for event in core.events if event.kind in ("connect", "accept", "turn")]


def turns(events: list[KernelEvent]) -> list[tuple[int, int]]:
    return [(event.size, int(event.request_id or "0", 16)) for event in events if event.kind == "turn"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_ends(core: Core, host: str) -> None:
    """What one process says of its connect is what the other one says of its accept, the ends exchanged."""
    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        pytest.skip(f"{host} cannot be listened on here: {error}")
    events = told(core, """
connection = socket.create_connection(server.getsockname()[:2])
talk(connection)
end()
""", host)  # fmt: skip
    connect, turn, accept = (next(one for one in events if one.kind == kind) for kind in ("connect", "turn", "accept"))
    client, port = (connect.local_address, connect.local_port), (connect.address, connect.port)
    assert (accept.address, accept.port) == (turn.local_address, turn.local_port) == client
    assert (accept.local_address, accept.local_port) == (turn.address, turn.port) == port
    assert connect.net == accept.net == turn.net > 0
    assert connect.time - 10**9 < turn.time < accept.time + 10**9


def test_a_kept_connection(core: Core) -> None:
    """Each request's first turn is told and no other; two sends without an answer between them are one turn."""
    events = told(core, """
connection = socket.create_connection(server.getsockname())
for number in (5, 6, 0, 7):
    mark(number)
    for _ in range(3):
        talk(connection)
    mark(0)
end()
""")  # fmt: skip
    assert turns(events) == [(1, 5), (2, 5), (4, 6), (7, 0), (10, 7)]


def test_a_thread_of_many_requests(core: Core) -> None:
    """An event loop's marks are not believed: a request comes back, or takes the mark of one that has not ended."""
    events = told(core, """
connection = socket.create_connection(server.getsockname())
for number in (5, 6, 5, 6):
    mark(number)
    talk(connection)
end()
""")  # fmt: skip
    assert turns(events) == [(1, 5), (2, 0)]


def test_the_number_of_another_socket(core: Core) -> None:
    """What is accepted, or opened, under the descriptor of a connection that is closed has no turns."""
    events = told(core, """
connection = socket.create_connection(server.getsockname())
talk(connection)
connection.close()
mark(5)
pair = socket.socketpair()
other = socket.create_server(("127.0.0.1", 0))
client = os.dup(os.open("/dev/null", os.O_RDONLY))
pair[0].sendall(b"x")
end()
""")  # fmt: skip
    assert turns(events) == [(1, 0)]
