"""The policy as a document: what is taken, and what is refused with words for its author."""

from __future__ import annotations

import ipaddress

import pytest

from collector.policy.document import MAX_DOCUMENT, Entry, Policy, PolicyError, encode, parse, subject_of

TOML = b"""
mode = "monitor"
bypass = ["/health", "10.0.0.0/8"]
[[services]]
service = "shop"
mode = "block"
[[rules]]
rule = "xss-001"
action = "off"
path = "/editor"
[[block]]
subject = "203.0.113.0/24"
reason = "probing"
expires = 2030-01-01T00:00:00Z
[[block]]
subject = "user:17"
"""


def test_both_forms() -> None:
    """TOML by its name, and the JSON that is made of it, are the same policy."""
    policy = parse(TOML, "policy.toml")
    assert (policy.mode, policy.services[0].mode, policy.block[0].reason) == ("monitor", "block", "probing")
    assert parse(encode(policy), "policy") == policy


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('mode = "blok"', "mode"), ("modes = 1", "modes"), ('[[block]]\nsubject = "host.example"', "block[0]"),
        ('[[block]]\nsubject = "user:"', "names nobody"), ('[[block]]\nsubject = "10.0.0.0/33"', "10.0.0.0/33"),
        ('[[rules]]\nrule = "x"\naction = "kill"', "rules"), ('bypass = ["health"]', "health"),
        ("mode = ", "policy.toml"),
        ('[[block]]\nsubject = "::1"\nexpires = 2030-01-01T00:00:00', "no time zone"), ("version = -1", "version"),
        ("block = " + "[" * 3000, "policy.toml"),
    ],
)  # fmt: skip
def test_refused(text: str, words: str) -> None:
    """The file and the place are named."""
    with pytest.raises(PolicyError) as caught:
        parse(text.encode(), "policy.toml")
    assert str(caught.value).startswith("policy.toml: ")
    assert words in str(caught.value)


def test_too_large() -> None:
    """It is not even read."""
    with pytest.raises(PolicyError, match="larger than"):
        parse(b" " * (MAX_DOCUMENT + 1), "policy")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("203.0.113.9", "203.0.113.9/32"), ("203.0.113.9/24", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.9/32"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"), ("2001:db8::1", "2001:db8::1/128"),
    ],
)  # fmt: skip
def test_addresses(text: str, found: str) -> None:
    """An address is a network of one; IPv4 in IPv6 is IPv4."""
    assert subject_of(text) == ("network", ipaddress.ip_network(found))


def test_names() -> None:
    """Users and sessions are what follows the first colon."""
    assert subject_of("user:a:b") == ("user", "a:b")
    assert subject_of("session:00ff") == ("session", "00ff")
    assert Policy(block=(Entry("user:1"),)).block[0].expires is None
