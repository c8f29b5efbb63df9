"""Counting requests in shared memory: within a limit, beyond it, from several processes, by hostile many."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from collector.policy.counts import REQUESTS, SECOND, SETS, SIZE, WAYS, Counts, retry_after, shared

NOW = 1_000_000 * SECOND


def at(seconds: float) -> int:
    return NOW + int(seconds * SECOND)


def test_so_many_in_a_window() -> None:
    """Ten in a minute, and no eleventh; each client has its own count, each limit, and each length of window."""
    counts = Counts()
    assert [counts.hit("login", "a", 10, 60, now=at(0)) > 0 for _ in range(12)] == [False] * 10 + [True] * 2
    assert counts.hit("login", "b", 10, 60, now=at(1)) == 0
    assert counts.hit("search", "a", 10, 60, now=at(1)) == 0
    assert counts.hit("login", "a", 10, 600, now=at(1)) == 0


@pytest.mark.parametrize(("most", "seconds"), [(1, 1), (1, 60), (10, 60), (7, 3), (1000, 3600)])
def test_no_window_has_more(most: int, seconds: int) -> None:
    """Asked ten times as often as allowed, for five windows, somebody is let by at the rate of the limit, and in no
    window more than twice as often; who waits as long as told is let by."""
    counts, passed, step = Counts(), list[float](), seconds / most / 10
    moment, end = 0.0, 5.0 * seconds
    while moment < end:
        if counts.hit("x", "a", most, seconds, now=at(moment)) == 0:
            passed.append(moment)
        moment += step
    assert 2 * most <= len(passed) <= 6 * most
    for first in passed[:: max(1, most // 10)]:
        assert sum(first <= one < first + seconds for one in passed) <= 2 * most
    wait = counts.hit("x", "a", most, seconds, now=at(end))
    assert wait == 0 or counts.hit("x", "a", most, seconds, now=at(end + wait + 0.001)) == 0


def test_who_is_refused_is_not_counted() -> None:
    """Asking on while refused makes nothing longer; where nothing is refused, all are counted."""
    counts = Counts()
    for _ in range(500):
        counts.hit("x", "a", 10, 60, now=at(30))
    assert counts.hit("x", "a", 10, 60, now=at(95)) == 0
    for _ in range(500):
        counts.hit("m", "a", 10, 60, always=True, now=at(30))
    assert counts.hit("m", "a", 10, 60, always=True, now=at(95)) > 0


def test_processes_count_together() -> None:
    """Three processes ask 400 times each, at once, in one table: what they let by is what the limit allows, but for the
    few that count at the same moment."""
    descriptor = shared()
    program = (
        "import sys; from collector.policy.counts import Counts; counts = Counts(int(sys.argv[1]))\n"
        "sys.stdin.readline(); print(sum(counts.hit('x', 'a', 600, 3600) == 0 for _ in range(400)))"
    )
    words = [sys.executable, "-c", program, str(descriptor)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen(words, pass_fds=[descriptor], **pipes) for _ in range(3)]  # type: ignore[call-overload]
    passed = [int(child.communicate("go\n", timeout=60)[0]) for child in children]
    assert 600 <= sum(passed) < 900
    assert Counts(descriptor).hit("x", "a", 600, 3600) > 0
    os.close(descriptor)


def test_the_table_cannot_be_cut() -> None:
    """An inspector that was taken over cannot take the memory from under the others."""
    descriptor = shared()
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 0)
    assert os.fstat(descriptor).st_size == SIZE
    os.close(descriptor)


def test_many_clients_push_nobody_heavy_out() -> None:
    """Twice as many clients as there is room for take slots of each other; who asked often stays counted."""
    counts = Counts()
    for _ in range(50):
        counts.hit("x", "heavy", 50, 600, now=at(0))
    for number in range(2 * WAYS * SETS):
        counts.hit("x", f"10.{number}", 50, 600, now=at(1))
    assert counts.hit("x", "heavy", 50, 600, now=at(2)) > 0


def test_what_is_known_of_a_request() -> None:
    """What was counted of it, until as many others came as there is room for."""
    counts = Counts()
    counts.note(5, 3, 77)
    assert counts.known(5) == (3, 77)
    assert counts.known(5 + REQUESTS) == (0, 0)
    counts.note(5 + REQUESTS, 1, 0)
    assert counts.known(5) == (0, 0)


def test_whole_seconds() -> None:
    """Nobody is told to come back too early, or at once."""
    assert [retry_after(seconds) for seconds in (0.01, 1.0, 1.2, 59.9)] == ["1", "1", "2", "60"]
