"""Learning and watching, on events as the probes send them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collector.behaviour import keep
from collector.behaviour.export import policy
from collector.behaviour.profile import HOUR, Profile
from collector.behaviour.settings import BehaviourSettings
from collector.behaviour.watcher import Watcher
from collector.inventory import Agent
from collector.model import Finding, Process, Verdict
from probes.vocabulary import Ancestor, KernelEvent

APP, WORKER, CHILD = 100, 101, 200
CREATE = 0o101


class Bench:
    """A watcher of one service with a clock of its own."""

    def __init__(self, mode: str = "watch", requests: int = 1000) -> None:
        self.time = 10**18
        settings = BehaviourSettings(mode, 24, requests)  # type: ignore[arg-type]
        self.watcher = Watcher(settings, now=lambda: self.time)
        self.served = 0
        self.open()

    @property
    def profile(self) -> Profile:
        return self.watcher.profiles["shop"]

    def open(self, version: str = "1", pid: int = APP) -> None:
        self.watcher.opened(self.agent(version, pid))

    def agent(self, version: str = "1", pid: int = APP, **counters: int) -> Agent:
        return Agent(Process(pid, "shop", version=version), counters=counters)

    def serve(self, count: int, version: str = "1", pid: int = APP) -> None:
        self.served += count
        self.watcher.status(self.agent(version, pid, requests=self.served))

    def see(self, kind: str, request: int = 1, pid: int = APP, **fields: Any) -> list[Finding]:
        marked = {"request_id": f"{request:016x}", "attribution": "exact"} if request else {}
        event = KernelEvent(kind, self.time, pid, pid, **marked, **fields)  # type: ignore[arg-type]
        return [finding for one, finding in self.watcher.take([event]) if one is event]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_first_a_service_is_learnt(bench: Bench) -> None:
    """While it is learnt nothing is found; afterwards what it did is normal and what it did not is found: programs,
    destinations, writes, reads of sensitive files."""
    known: list[tuple[str, dict[str, Any]]] = [
        ("exec", {"path": "/usr/bin/convert"}), ("connect", {"family": "ipv4", "address": "10.0.0.7", "port": 5432}),
        ("open", {"path": "/srv/up/cat.jpg", "flags": CREATE}), ("open", {"path": "/etc/passwd"}),
        ("dns", {"path": "db.internal"}),
    ]  # fmt: skip
    for kind, fields in known:
        assert bench.see(kind, **fields) == []
    bench.serve(1000)
    for kind, fields in known:
        assert bench.see(kind, 2, **fields) == []
    assert [one.rule_id for one in bench.see("exec", 2, path="/usr/bin/curl", argv=("curl", "x"))] == ["behaviour-exec"]
    (found,) = bench.see("connect", 2, family="ipv4", address="10.0.0.8", port=5432, result=-115)
    assert (found.rule_id, found.value, found.stage) == ("behaviour-connect", "10.0.0.8:5432", Verdict.CONFIRMED)
    assert [one.rule_id for one in bench.see("dns", 2, path="evil.example")] == ["behaviour-connect"]
    (found,) = bench.see("open", 2, path="/srv/app/x.php", flags=CREATE)
    assert (found.rule_id, found.tags) == ("behaviour-path", ("T1505.003", "CWE-73"))
    (found,) = bench.see("open", 2, path="/etc/shadow", result=-13)
    assert (found.rule_id, found.stage) == ("behaviour-path", Verdict.ATTEMPTED)
    assert bench.see("open", 2, path="/srv/app/.env", result=-2) == []


def test_only_requests_are_found(bench: Bench) -> None:
    """What a service does by itself teaches, and is never found."""
    bench.see("exec", 0, path="/usr/bin/uname")
    bench.serve(1000)
    assert bench.see("exec", 2, path="/usr/bin/uname") == []
    assert bench.see("exec", 0, path="/usr/bin/id") == []
    assert bench.see("exec", 2, path="/usr/bin/id") != []


def test_learning_ends_by_time_only_for_a_service_that_served(bench: Bench) -> None:
    """A day without requests teaches nothing: learning goes on until a hundred of them."""
    bench.time += 25 * HOUR
    bench.serve(99)
    assert bench.see("exec", path="/bin/a") == []
    bench.serve(1)
    assert bench.see("exec", path="/bin/b") != []


@pytest.mark.parametrize(("mode", "services"), [("learn", 1), ("off", 0)])
def test_modes(mode: str, services: int) -> None:
    """`learn` learns for ever, `off` does not even begin."""
    bench = Bench(mode)
    bench.serve(10_000)
    assert bench.see("exec", path="/bin/a") == []
    assert len(bench.watcher.profiles) == services


def test_descendants_belong_to_the_service(bench: Bench) -> None:
    """A child by its fork, a grandchild by its ancestors, an unmarked one by its parent; others are nobody's."""
    bench.see("fork", child_pid=CHILD)
    bench.see("exec", pid=CHILD, path="/bin/sh")
    bench.see("exec", 0, 300, path="/bin/ls", ancestors=(Ancestor(299), Ancestor(APP)))
    bench.see("connect", 0, 301, parent_pid=300, family="ipv4", address="10.0.0.1", port=80)
    bench.see("exec", 5, 999, path="/bin/other", parent_pid=998)
    assert set(bench.profile.known["program"]) == {"/bin/sh", "/bin/ls"}
    assert set(bench.profile.known["destination"]) == {"10.0.0.1:80"}


def test_an_attack_teaches_nothing(bench: Bench) -> None:
    """What only a request under attack has shown is taken back, and what it shows later is not learnt."""
    bench.see("exec", 1, path="/usr/bin/convert")
    bench.see("exec", 6, path="/usr/bin/convert")
    bench.see("exec", 6, path="/usr/bin/nc")
    bench.watcher.attacked(f"{6:016x}")
    bench.see("exec", 6, path="/usr/bin/wget")
    assert set(bench.profile.known["program"]) == {"/usr/bin/convert"}
    bench.serve(1000)
    assert bench.see("exec", 7, path="/usr/bin/nc") != []


def test_a_new_version_is_learnt_beside_the_old_one(bench: Bench) -> None:
    """While two versions run, the new one teaches and the old one is watched; what one showed both may do."""
    bench.serve(1000)
    bench.open("2", WORKER)
    assert bench.see("exec", 3, WORKER, path="/bin/new") == []
    assert bench.see("exec", 3, path="/bin/other") != []
    assert bench.see("exec", 4, path="/bin/new") == []
    bench.served = 0
    bench.serve(1000, "2", WORKER)
    assert bench.see("exec", 5, WORKER, path="/bin/newer") != []


def test_a_worker_that_begins_again(bench: Bench) -> None:
    """Another process of the same version is watched from its first request on, and its requests are counted anew."""
    bench.see("exec", path="/bin/known")
    bench.serve(1000)
    bench.open("1", WORKER)
    assert bench.see("exec", 3, WORKER, path="/bin/known") == []
    assert bench.see("exec", 3, WORKER, path="/bin/unknown") != []


def test_a_mass_of_first_seen_things_is_a_change(bench: Bench) -> None:
    """Many new files and destinations at a time begin learning anew, which is told; programs are found all the same."""
    bench.serve(1000)
    letters = [f"{a}{b}" for a in "abcdef" for b in "uvwxyz"]
    found = [bench.see("open", n, path=f"/opt/{c}", flags=CREATE) for n, c in enumerate(letters, 100)]
    assert found[0] != []
    assert found[-1] == []
    (state,) = bench.profile.versions.values()
    assert (state.again, state.learnt) == (True, 0)
    assert bench.see("exec", 900, path="/bin/nc") != []
    bench.serve(1000)
    assert bench.see("open", 901, path="/opt/later", flags=CREATE) == []
    assert bench.see("open", 901, path="/var/www/shell.php", flags=CREATE) != []


def test_the_same_thing_is_found_sixteen_times(bench: Bench) -> None:
    """A first-seen thing that goes on is a finding in sixteen requests; later ones are counted."""
    bench.serve(1000)
    found = [bench.see("exec", n, path="/bin/nc") for n in range(1, 41)]
    assert [bool(one) for one in found] == [True] * 16 + [False] * 24
    assert bench.profile.novel["program /bin/nc"].requests == 40


def test_addresses_of_a_known_name(bench: Bench) -> None:
    """A service whose name has new addresses every day: fine right after it was looked up in the same request, on a
    port that is known; never a private address."""
    bench.see("dns", path="api.example.org")
    bench.see("connect", family="ipv4", address="93.184.216.34", port=443)
    bench.serve(1000)
    assert bench.see("connect", 2, family="ipv4", address="1.1.1.1", port=443) != []
    bench.see("dns", 3, path="api.example.org")
    assert bench.see("connect", 3, family="ipv4", address="8.8.4.4", port=443) == []
    assert bench.see("connect", 3, family="ipv4", address="8.8.4.4", port=4444) != []
    assert bench.see("connect", 3, family="ipv4", address="169.254.169.254", port=443) != []


def test_name_servers_of_the_network(bench: Bench) -> None:
    """Another private name server is no news, a public one is."""
    bench.serve(1000)
    assert bench.see("connect", family="ipv4", address="10.0.0.53", port=53) == []
    assert bench.see("connect", family="ipv4", address="9.9.9.9", port=53) != []


def test_forgetting(bench: Bench) -> None:
    """A service that is forgotten is learnt anew."""
    bench.serve(1000)
    assert bench.see("exec", path="/bin/a") != []
    assert bench.watcher.forget("shop")
    assert not bench.watcher.forget("other")
    assert bench.see("exec", path="/bin/a") == []


def test_what_is_known_outlives_a_restart(bench: Bench, tmp_path: Path) -> None:
    """Written and read again: a service that was learnt is watched; a broken file is passed over."""
    bench.see("exec", path="/bin/a")
    bench.see("open", path="/srv/up/cat.jpg", flags=CREATE)
    bench.serve(1000)
    assert keep.write(tmp_path / "behaviour", keep.encoded([bench.profile])) == []
    (tmp_path / "behaviour" / "broken.json").write_text('{"service": 7}')
    again = Bench()
    again.watcher.profiles = keep.load(tmp_path / "behaviour")
    again.open()
    assert again.see("exec", 2, path="/bin/a") == []
    assert again.see("open", 2, path="/srv/up/cat.jpg", flags=CREATE) == []
    assert again.see("exec", 2, path="/bin/b") != []
    assert (tmp_path / "behaviour").stat().st_mode & 0o777 == 0o700


def test_a_policy_says_what_is_known(bench: Bench) -> None:
    """Programs and addresses as a policy lists them; what it cannot say is named."""
    for path in ("/usr/bin/convert", "/tmp/tmpk3j_a9x1/run", "relative"):
        bench.see("exec", path=path)
    bench.see("connect", family="ipv4", address="10.0.0.7", port=5432)
    bench.see("connect", family="ipv4", address="10.0.0.53", port=53)
    bench.see("connect", family="ipv6", address="fd00::7", port=80)
    bench.see("connect", family="ipv4", address="93.184.216.34", port=443)
    written, missing = policy(bench.profile)
    assert (written.name, written.service, written.mode, written.execute, written.connect) == (
        "shop", "shop", "observe", "listed", "listed",
    )  # fmt: skip
    assert written.programs == ("/usr/bin/convert",)
    assert written.networks == ("10.0.0.53", "10.0.0.7", "93.184.216.0/24", "fd00::7")
    assert [line.split(":")[0] for line in missing] == ["program /tmp/tmp#/run", "program relative"]


def test_what_varies_too_much_is_not_found(bench: Bench) -> None:
    """A service that writes everywhere: new files say nothing, and the profile says that there was no room; a program
    does."""
    for number in range(1100):
        letters = "".join(chr(97 + int(digit)) for digit in f"{number:04}")
        bench.see("open", path=f"/etc/{letters}", flags=CREATE)
    bench.serve(1000)
    assert bench.profile.overflow == {"path": 76}
    assert bench.see("open", 2, path="/etc/other", flags=CREATE) == []
    assert bench.see("exec", 2, path="/bin/nc") != []


def test_one_request_is_not_looked_at_for_ever(bench: Bench) -> None:
    """A request that does thousands of new things has 64 findings; the next one has its own."""
    bench.serve(1000)
    letters = [f"{a}{b}" for a in "abcdefghijklm" for b in "nopqrstuvwxyz"]
    assert sum(len(bench.see("open", 2, path=f"/etc/{name}", flags=CREATE)) for name in letters) == 64
    assert bench.see("open", 3, path="/etc/zz", flags=CREATE) != []
