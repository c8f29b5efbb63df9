"""Every built-in rule against its examples, and against text that people write."""

from __future__ import annotations

import pytest

from collector.detect import rulefile
from collector.detect.inputs import Input
from collector.detect.ruleset import PLACES, Rule

RULES = rulefile.built_in()
ALL = rulefile.load("", ())
PAIRS = [(rule, text) for rule in RULES for text in rule.examples.match]
PASSES = [(rule, text) for rule in RULES for text in rule.examples.passes]


def places(rule: Rule) -> list[tuple[str, str]]:
    inputs = rule.conditions[0].inputs
    return [(where.partition(":")[0], where.partition(":")[2]) for where in (PLACES if "any" in inputs else inputs)]


def hits(location: str, parameter: str, text: str) -> set[str]:
    return {match.rule.id for match in ALL.match([Input(location, parameter, text)])}


@pytest.mark.parametrize(("rule", "text"), PAIRS, ids=[f"{rule.id}-{n}" for n, (rule, _) in enumerate(PAIRS)])
def test_matches(rule: Rule, text: str) -> None:
    """A rule matches its positive example in every place where it looks, among all the other rules."""
    for location, parameter in places(rule):
        assert rule.id in hits(location, parameter, text)


@pytest.mark.parametrize(("rule", "text"), PASSES, ids=[f"{rule.id}-{n}" for n, (rule, _) in enumerate(PASSES)])
def test_passes(rule: Rule, text: str) -> None:
    """A rule lets its negative example pass."""
    for location, parameter in places(rule):
        assert rule.id not in hits(location, parameter, text)


def test_every_category_is_there() -> None:
    """The categories of the built-in rules; each rule names a weakness or an attack pattern."""
    assert {rule.category for rule in RULES} == {
        "sql_injection", "command_injection", "path_traversal", "xss", "ssrf", "security_scanner", "code_injection",
        "template_injection", "deserialization", "prototype_pollution", "nosql_injection", "ldap_injection",
        "xpath_injection", "crlf_injection", "mail_injection", "xxe", "ssi_injection", "graphql_abuse",
        "file_inclusion", "open_redirect",
    }  # fmt: skip
    assert all(any(tag.startswith(("CWE-", "CAPEC-")) for tag in rule.tags) for rule in RULES)
    assert [rule.id for rule in RULES if rule.block] == ["scanner-002"]


HARMLESS = [
    "O'Brien", "D'Angelo & Sons", "Tom & Jerry; a story", "it's a dog's life", "p@$$w0rd;--!", "hunter2' ",
    "C'est la vie",
    "Select a seat from the list and update your order", "drop the table; order by phone", "127.0.0.1", "::1",
    "https://cdn.example.com/covers/1.png?size=2&x=y", "docs/readme.md", "../images/logo.png", "notes (final).txt",
    "if (a < b && c > d) { return x; }", "for i in range(10): print(i); i += 1",
    "Traceback (most recent call last):\n  x",
    "SELECT title FROM books WHERE id = 5", "use `ls -la` to list", "100% & more", "1 or 2", "a=b&c=d", "<b>bold</b>",
    "AT&T; T-Mobile", "x > y | z", "-----", "5' 10\" tall", "what's up?; nothing", "alert (red)", "mail@example.org",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36; id", "C:\\Users\\ada\\notes.txt", "/srv/app/data.csv",
    "<p>Put it into <code>&lt;script setup&gt; let x = f(1) &lt;/script&gt;</code>, or <a href=\"#next\">go on</a></p>",
    "The `import` keyword; see `prompt`.\n\nThen:\n\n    $ python -c 'import cw'\n", "pam: rhost=203.0.113.9 (uid=0)",
    "https://avatars.example/u/5346", "[[1, 2], [3]]\nself.__init__()", "  x = this.key == other.key;\n  this.n[0] = 1",
    "{% for m in get_flashed_messages() %}\n  {{ request.form['title'] }}\n{% endfor %}",
    "my $limit = 20;\nmy $sql = join(\",\", ('random() * random()') x 3);\n\nsub cw\n{\n\tmy ($a, $b) = @_;\n}",
    "<link rel=\"stylesheet\" href=\"/site.css\">\n<template>\n  <p>cw</p>\n</template><svg><title>Cw</title></svg>",
]  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS)
def test_what_people_write(text: str) -> None:
    """Names, prose, passwords, code and addresses match no rule in a parameter or a body."""
    assert hits("query", "q", text) == set()
    assert hits("body", "comment", text) == set()


@pytest.mark.parametrize(
    "text", [";id", "x;id", "$(id)", "`id`", "x`id`", "| id", "&& id", "\nid", "x\nid", "127.0.0.1;id", "a||id"]
)
def test_short_commands(text: str) -> None:
    """The shortest ways to run a command are known."""
    assert any(name.startswith("cmdi-") for name in hits("query", "host", text))
