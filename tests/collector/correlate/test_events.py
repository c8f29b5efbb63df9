"""What is remembered of a request's kernel events before anybody knows what the request is."""

from __future__ import annotations

from collector.correlate.events import Recent
from probes.vocabulary import KernelEvent


def opened(path: str, attribution: str = "exact") -> KernelEvent:
    return KernelEvent("open", 0, 1, 1, attribution, request_id="a", path=path)


def kept(cap: int, *events: KernelEvent) -> tuple[list[str], int]:
    """The paths that stay, and how many events did not."""
    recent = Recent(10, 1 << 20, cap)
    for event in events:
        recent.add(event, 1)
    size, bucket = recent.size, recent.take("a")
    assert bucket is not None
    assert (size, recent.size) == (bucket.size, 0)
    return [event.path for event in bucket.events], bucket.dropped


def test_imports_give_way() -> None:
    """In a full bucket the oldest modules go first, and the last ones stay; other files stay all."""
    modules = [opened(f"/srv/lib/m{number}.py") for number in range(5)]
    assert kept(3, opened("/a"), *modules, opened("/etc/passwd")) == (["/a", "/srv/lib/m4.py", "/etc/passwd"], 4)


def test_start_up_noise_goes_before_imports() -> None:
    """What children open as every program does is given up first, and no newcomer of that kind finds room."""
    noise = opened("/etc/ld.so.cache", "inherited")
    assert kept(3, opened("/m.py"), noise, opened("/a"), opened("/b")) == (["/m.py", "/a", "/b"], 1)
    assert kept(2, opened("/m.py"), opened("/a"), noise) == (["/m.py", "/a"], 1)


def test_what_nothing_is_given_up_for() -> None:
    """Where nothing may go the newcomer does not stay."""
    assert kept(2, *map(opened, ("/a", "/b", "/c", "/d.py"))) == (["/a", "/b"], 2)
    assert kept(2, opened("/a"), opened("/m.py"), opened("/b"), opened("/c")) == (["/a", "/b"], 2)
