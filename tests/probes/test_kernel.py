"""What is left in the kernel when processes end, and what happens when there is too much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from probes import kernel
from probes.decode import decode
from tests.probes.support import Marked, programs

SMALL = 4096


@pytest.fixture(scope="module")
def small() -> Iterator[kernel.Kernel]:
    """Programs with the smallest ring buffer, read by this process."""
    with programs(SMALL) as loaded:
        yield loaded


def test_exit_empties_the_maps(small: kernel.Kernel) -> None:
    """Threads and processes that end take their marks and registrations along, however they end."""
    marked = Marked("""
        threads = [threading.Thread(target=mark, args=(n,)) for n in range(1, 200)]
        [t.start() for t in threads]; [t.join() for t in threads]
        mark(7)
        if not os.fork():
            os.kill(os.getpid(), 9)
        os.wait()
        os.system("true; exit 3")
    """)  # fmt: skip
    assert small.register(marked.pid)
    assert len(small.entries("registered")) == 1
    marked.go()
    assert small.entries("marks") == []
    assert small.entries("registered") == []


def test_a_full_ring_is_counted(small: kernel.Kernel) -> None:
    """What does not fit is counted as bulk_ring_full, and by its kind; what fits is whole."""
    small.drain()[0]
    before, lost = small.dropped()["bulk_ring_full"], small.lost().get("open", 0)
    marked = Marked("mark(9)\nfor n in range(1000): open('/proc/uptime').close()\nmark(0)")
    small.register(marked.pid)
    marked.go()
    kept = [decode(sample, 0) for sample in small.drain()[0]]
    assert {(event.kind, event.path) for event in kept} == {("open", "/proc/uptime")}
    assert small.dropped()["bulk_ring_full"] - before + len(kept) == 1000
    assert small.lost()["open"] - lost + len(kept) == 1000


def test_every_kind_that_is_lost_is_counted(small: kernel.Kernel) -> None:
    """Of a mix that no ring has room for, what was kept and what is counted as lost are what was done, kind by kind."""
    small.drain()[0]
    before = Counter(small.lost())
    marked = Marked("""
        plain = socket.socket(type=socket.SOCK_DGRAM)
        question = b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3www\\0\\0\\1\\0\\1"
        mark(11)
        for n in range(61):
            os.posix_spawn("/bin/true", ["true"], {}); os.wait()
            for n in range(5):
                plain.sendto(question, ("127.0.0.1", 53)); plain.sendto(b"", ("127.0.0.1", 54))
                plain.connect(("127.0.0.1", 55))
        mark(0)
    """)  # fmt: skip
    small.register(marked.pid)
    marked.go()
    kept = Counter(event.kind for event in (decode(sample, 0) for sample in small.drain()[0]) if event.request_id)
    done = kept + Counter(small.lost()) - before
    assert (done["fork"], done["exec"], done["exit"]) == (61, 61, 61)
    assert (done["dns"], done["send"], done["connect"]) == (305, 305, 305)
    assert kept.total() < done.total()


def test_masses_push_out_no_evidence(small: kernel.Kernel) -> None:
    """Where connections and opens have filled their rings, an execution is told all the same."""
    small.drain()[0]
    marked = Marked("""
        plain = socket.socket(type=socket.SOCK_DGRAM)
        mark(12)
        for n in range(500):
            plain.connect(("127.0.0.1", 55)); open("/proc/uptime").close()
        os.system("true")
    """)  # fmt: skip
    small.register(marked.pid)
    marked.go()
    kept = [decode(sample, 0) for sample in small.drain()[0]]
    assert [event.argv for event in kept if event.kind == "exec"] == [("sh", "-c", "true")]


def test_watched_paths(small: kernel.Kernel) -> None:
    """A path that would not fit into the map's key is refused, not cut."""
    assert small.watch_path("/" + "p" * 62)
    assert not small.watch_path("/" + "p" * 63)


def test_registering_twice_and_unregistering_nobody(small: kernel.Kernel) -> None:
    """Both are harmless."""
    assert small.register(1) is small.register(1) is True
    small.unregister(1)
    small.unregister(1)
    assert small.entries("registered") == []


def test_without_the_kernels_types(small: kernel.Kernel) -> None:
    """On a kernel that publishes no types, arguments are kept from the entry, and what needs no structures is told."""
    plain = kernel.load(1 << 16, structures=False)
    assert plain.features == []
    marked = Marked("""
        mark(9)
        os.system("/bin/true one; exit 7")
        for path in ("/nowhere/1", "/nowhere/2"):
            try:
                os.unlink(path)
            except OSError:
                pass
    """)  # fmt: skip
    assert plain.register(marked.pid)
    marked.go()
    events = [decode(sample, 0) for sample in plain.drain()[0]]
    plain.close()
    assert [e.argv for e in events if e.kind == "exec"][1] == ("/bin/true", "one")
    assert [(e.path, e.result) for e in events if e.kind == "delete"] == [("/nowhere/1", -2), ("/nowhere/2", -2)]
    assert 7 << 8 in [e.exit_code for e in events if e.kind == "exit"]
    assert {e.process_start for e in events} == {0}


def test_costs(small: kernel.Kernel) -> None:
    """The kernel's own count of the programs' runs and time."""
    small.measure()
    before = small.costs()["on_opened"]
    marked = Marked("mark(9)\nfor n in range(101): open('/proc/uptime').close()\nmark(0)")
    small.register(marked.pid)
    marked.go()
    runs, spent = small.costs()["on_opened"]
    assert runs - before[0] >= 101
    assert spent > before[1]
