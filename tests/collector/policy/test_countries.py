"""Lists of countries: a database of MaxMind's format says where an address is, and nothing counts without one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.config import ConfigError, load
from collector.policy.compiled import Compiled
from collector.policy.countries import opened
from collector.policy.document import Entry, Policy, PolicyError, subject_of
from collector.policy.keeper import Keeper
from collector.policy.lists import numbered
from tests.collector.policy.mmdb import write

NETWORKS = {"192.0.2.0/24": "DE", "198.51.100.0/25": "FR", "2001:db8::/32": "FR", "203.0.113.7/32": "NL"}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    write(tmp_path / "countries.mmdb", NETWORKS)
    return tmp_path / "countries.mmdb"


def test_where_an_address_is(database: Path) -> None:
    """IPv4, IPv4 in IPv6, IPv6; nothing of addresses that it does not know, or that are none."""
    country = opened(str(database))
    known = ("192.0.2.1", "::ffff:192.0.2.1", "198.51.100.9", "2001:db8::1", "203.0.113.7")
    assert [country(numbered(text)) for text in known] == ["DE", "DE", "FR", "FR", "NL"]
    unknown = ("198.51.100.200", "127.0.0.1", "2001:db9::1", "nobody", "")
    assert [country(numbered(text)) for text in unknown] == [""] * 5


def test_a_country_is_refused_and_some_of_it_is_not(database: Path) -> None:
    """The rule for an address goes before that of its country, and a pass goes before both, for a country, too."""
    refused = tuple(map(Entry, ("country:DE", "country:FR", "192.0.2.9")))
    compiled = Compiled(Policy(block=refused, allow=(Entry("2001:db8:5::/48"),)), country=opened(str(database)))

    def found(address: str) -> tuple[str, str]:
        listed = compiled.refused(numbered(address), "", "", "", 1)
        return (listed.kind, listed.entry.subject) if listed else ("", "")

    assert found("192.0.2.1") == ("country", "country:DE")
    assert found("192.0.2.9") == ("address", "192.0.2.9")
    assert found("203.0.113.7") == ("", "")
    assert compiled.allowed(numbered("2001:db8:5::1"), "", "", "", 1)
    assert compiled.lists
    assert not compiled.users
    passing = Compiled(Policy(allow=(Entry("country:NL"),)), country=opened(str(database)))
    assert passing.allowed(numbered("203.0.113.7"), "", "", "", 1)


def test_an_entry_ends(tmp_path: Path, database: Path) -> None:
    """Like every other."""
    keeper = Keeper(tmp_path / "policy", countries=True)
    keeper.add("block", "country:DE", "", datetime(2030, 1, 1, tzinfo=UTC))
    compiled = Compiled(keeper.policy, country=opened(str(database)))
    before, after = (int(datetime(year, 1, 2, tzinfo=UTC).timestamp() * 1e9) for year in (2029, 2030))
    assert compiled.refused(numbered("192.0.2.1"), "", "", "", before) is not None
    assert compiled.refused(numbered("192.0.2.1"), "", "", "", after) is None


def test_without_a_database(tmp_path: Path) -> None:
    """An entry is refused with the setting that it needs; one from when there was a database counts for nobody and may
    be taken away, one by one, while other changes go on."""
    with_one = Keeper(tmp_path / "policy", countries=True)
    for name in ("country:DE", "country:FR"):
        with_one.add("block", name, "", None)
    keeper = Keeper(tmp_path / "policy")
    for change in (
        lambda: keeper.add("block", "country:NL", "", None),
        lambda: keeper.apply(Policy(suspicious=(Entry("country:NL"),)), "test"),
    ):
        with pytest.raises(PolicyError, match=r"'country:NL': no database of countries.*policy\.country_database"):
            change()
    assert Compiled(keeper.policy).refused(numbered("192.0.2.1"), "", "", "", 1) is None
    keeper.add("block", "192.0.2.1", "", None)
    keeper.remove("country:DE")
    assert [one.subject for one in keeper.policy.block] == ["country:FR", "192.0.2.1"]


@pytest.mark.parametrize("text", ["country:", "country:de", "country:DEU", "country:D1", "country"])
def test_what_is_no_country(text: str) -> None:
    """Is refused."""
    with pytest.raises(PolicyError, match=r"country"):
        subject_of(text)


@pytest.mark.parametrize("data", [b"", b"no database", b"\xab\xcd\xefMaxMind.com" + b"\xff" * 50])
def test_what_is_no_database(tmp_path: Path, data: bytes) -> None:
    """Is said at the start, with the setting and the file; so is one that is not there."""
    path = tmp_path / "broken.mmdb"
    for wanted in (path, tmp_path / "none"):
        path.write_bytes(data)
        with pytest.raises(ConfigError, match=r"policy\.country_database") as caught:
            load(None, {"policy": {"country_database": str(wanted)}})
        assert str(wanted) in str(caught.value)


def test_a_damaged_record(database: Path) -> None:
    """In the middle of a database costs what is found there, nothing else."""
    data = bytearray(database.read_bytes())
    at = data.index(b"iso_code")
    data[at - 12 : at] = b"\xff" * 12
    database.write_bytes(data)
    country = opened(str(database))
    assert {country(numbered(f"192.0.2.{number}")) for number in range(10)} == {""}
