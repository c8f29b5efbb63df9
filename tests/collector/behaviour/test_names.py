"""Names of what a service does: the same for what is the same, wider only where a service shows much of a kind."""

from __future__ import annotations

from typing import Any

import pytest

from collector.behaviour.names import Thing, things
from collector.behaviour.profile import Profile
from probes.vocabulary import KernelEvent

CREATE = 0o101


def event(kind: str, **fields: Any) -> KernelEvent:
    return KernelEvent(kind, 0, 7, 7, **fields)  # type: ignore[arg-type]


def names(one: KernelEvent) -> list[str]:
    return [f"{thing.kind} {thing.name}" for thing in things(one)]


def written(path: str) -> Thing:
    (thing,) = things(event("open", path=path, flags=CREATE))
    return thing


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (event("exec", path="/usr/bin/python3.11"), "program /usr/bin/python3.11"),
        (event("exec", path="/tmp/tmpk3j_a9x1/run"), "program /tmp/tmp#/run"),
        (event("open", path="/srv/a/../b/1234/x.jpg", flags=CREATE), "path write /srv/b/#/x.jpg"),
        (event("open", path="/srv/db.sqlite-journal", flags=CREATE), "path write /srv/db.sqlite"),
        (event("delete", path="/srv/log/app.log.2026-11-26.gz"), "path write /srv/log/app.log"),
        (event("open", path="/home/a/.ssh/id_rsa"), "path read /home/a/.ssh/id_rsa"),
        (event("open", path="/etc/../etc//shadow"), "path read /etc/shadow"),
        (event("connect", family="ipv4", address="10.1.2.3", port=5432), "destination 10.1.2.3:5432"),
        (event("connect", family="ipv6", address="::ffff:10.1.2.3", port=80), "destination 10.1.2.3:80"),
        (event("connect", family="ipv6", address="2606:4700::1", port=443), "destination [2606:4700::1]:443"),
        (event("connect", family="unix", path="/run/pg/.s.PGSQL.5432"), "destination unix:/run/pg/.s.PGSQL.#"),
        (event("dns", path="API.Example.org."), "name api.example.org"),
    ],
)
def test_names(one: KernelEvent, name: str) -> None:
    """Each kind of event by its name, what differs each time taken out."""
    assert names(one) == [name]


@pytest.mark.parametrize(
    "one",
    [
        event("open", path="/srv/app/templates/index.html"), event("open", path="/dev/null", flags=CREATE),
        event("open", path="/srv/app/__pycache__/x.cpython-311.pyc.140", flags=CREATE),
        event("connect", family="unix", path="/var/run/nscd/socket"), event("connect", family="ipv4", port=0),
        event("fork", child_pid=8),
    ],
)  # fmt: skip
def test_what_means_nothing(one: KernelEvent) -> None:
    """Reads of ordinary files, byte code, name services: no word of them."""
    assert names(one) == []


def test_both_ends_of_a_rename() -> None:
    """A file's old name and its new one, of a link the new one."""
    assert names(event("rename", path="/srv/.x.tmp", target="/srv/x")) == ["path write /srv/.x", "path write /srv/x"]
    assert names(event("link", path="/etc/passwd", target="/srv/l")) == ["path write /srv/l"]


def learnt(*things: Thing) -> Profile:
    profile = Profile("shop")
    for thing in things:
        if not profile.knows(thing):
            assert profile.learn(thing, "")
    return profile


def test_two_pictures_are_all_pictures() -> None:
    """A second file of a suffix stands for all of it in its directory; another suffix, another directory do not."""
    profile = learnt(written("/srv/up/cat.jpg"), written("/srv/up/dog.jpg"))
    assert set(profile.known["path"]) == {"write /srv/up/*.jpg"}
    assert profile.knows(written("/srv/up/cow.jpg"))
    assert not profile.knows(written("/srv/up/shell.php"))
    assert not profile.knows(written("/srv/other/cow.jpg"))


def test_many_directories_become_the_one_above() -> None:
    """A directory for each user, a file in each: all below is normal; what lies beside is not."""
    profile = learnt(*(written(f"/srv/app/users/{name}/avatar.png") for name in "abcdefghi"))
    assert set(profile.known["path"]) == {"write /srv/app/users/**"}
    assert profile.knows(written("/srv/app/users/new/other/file"))
    assert not profile.knows(written("/srv/app/code.py"))


def test_system_directories_are_never_wide() -> None:
    """However many files of /etc a service has written, the next one is new; so is a sensitive file among others."""
    profile = learnt(*(written(f"/etc/app/{name}.conf") for name in "abcdefghijkl"))
    assert not profile.knows(written("/etc/app/z.conf"))
    profile = learnt(*(written(f"/srv/app/{name}") for name in "abcdefghijkl"))
    assert not profile.knows(written("/srv/app/.env"))


def test_addresses_become_networks() -> None:
    """A public address stands for its network, five private ones for theirs, nine public ones for the public Internet;
    another port is another destination."""

    def to(address: str, port: int = 443) -> Thing:
        (thing,) = things(event("connect", family="ipv4", address=address, port=port))
        return thing

    assert learnt(to("93.184.216.34")).knows(to("93.184.216.7"))
    few = learnt(*(to(f"10.0.0.{n}") for n in range(1, 5)))
    assert not few.knows(to("10.0.0.9"))
    many = learnt(*(to(f"10.0.0.{n}") for n in range(1, 6)))
    assert many.knows(to("10.0.0.9"))
    assert not many.knows(to("10.0.1.9"))
    assert not many.knows(to("10.0.0.9", 22))
    public = learnt(*(to(f"93.184.{n}.34") for n in range(9)))
    assert public.knows(to("1.1.1.1"))
    assert not public.knows(to("169.254.169.254"))
    assert not public.knows(to("1.1.1.1", 4444))


def test_room_is_bounded() -> None:
    """What finds no room is counted, and nothing is forgotten for it."""
    profile = Profile("shop")
    for number in range(300):
        profile.learn(Thing("program", f"/bin/{number}"), "")
    assert (len(profile.known["program"]), profile.overflow) == (256, {"program": 44})
    assert profile.knows(Thing("program", "/bin/0"))
