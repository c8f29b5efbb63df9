"""When an input is code in a source text of Python."""

from __future__ import annotations

import pytest

from collector.detect.reached.python import Source


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("__import__('os').system('id')", "__import__('os').system('id')"),
        ("open('/proc/version').read()", "x = open('/proc/version').read()"),
        ("1).__class__", "int(1).__class__"),
        ("'+str(1)+'", "name = ''+str(1)+''"),
        ("1\nimport os", "x = 1\nimport os"),
        ("1;import os", "x = 1;import os"),
        ("[x for x in ().__class__.__base__.__subclasses__()]", "[x for x in ().__class__.__base__.__subclasses__()]"),
        ("a' #", "f('a' #')"),
        ("{a.b}", "f'hello {a.b}'"),
        ("lambda: 1", "key = lambda: 1"),
        ("x['a']", "x['a']"),
    ],
)
def test_code(value: str, source: str) -> None:
    """Calls, the language's own attributes, statements, and whatever leaves the text that it was put into."""
    assert Source(source).reached(value) == value


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("1 + 2 * 3", "1 + 2 * 3"),
        ("(1 + 2) ** 2", "(1 + 2) ** 2"),
        ("price * 1.2", "price * 1.2"),
        ("name", "item.name"),
        ("os.system('id')", "print(\"os.system('id')\")"),
        ("os.system('id')", "x = '''os.system('id')'''"),
        ("__import__('os')", "# __import__('os')\n1"),
        ("a.b", "settings.a.b"),
        ("x('y')", "z"),
        ("it's", r"x = 'it\'s'"),
        ("2026-11-26", "date = '2026-11-26'"),
    ],
)
def test_no_code(value: str, source: str) -> None:
    """Arithmetic, names, and text inside of a text."""
    assert Source(source).reached(value) == ""


def test_long_sources_are_read_in_time() -> None:
    """Nothing that can be written makes the reading go back and forth: all is cut, and each token found once."""
    for text in ("'" * 99999, '"""' * 33333, "a" * 99999, "\\" * 99999, "f'{" * 33333, "(" * 99999):
        assert Source(text).reached("no such input") == ""
        assert sum(end - start for _, start, end in Source(text)._tokens) <= len(text)
