"""When an input is code in a template."""

from __future__ import annotations

import pytest

from collector.detect.reached.template import Template


@pytest.mark.parametrize(
    ("value", "source", "engine"),
    [
        ("{{7*7}}", "Hello {{7*7}}!", "jinja"),
        ("{{ ''.__class__ }}", "Hello {{ ''.__class__ }}", "jinja"),
        ("{{config}}", "{{config}}", "jinja"),
        ("{{ settings.SECRET_KEY }}", "<p>{{ settings.SECRET_KEY }}", "django"),
        ("{% include '/proc/version' %}", "{% include '/proc/version' %}", "django"),
        ("x.__init__", "{{ x.__init__ }}", "jinja"),
        ("a|attr('b')", "{{ a|attr('b') }}", "jinja"),
        ("${self.module}", "Hello ${self.module}", "mako"),
        ("<% import os %>", "<% import os %>", "mako"),
        ("% import os\n", "x\n% import os\n", "mako"),
        ("{% import os %}", "{% import os %}", "tornado"),
    ],
)
def test_code(value: str, source: str, engine: str) -> None:
    """Tags that count, call, reach into objects or load something."""
    assert Template(source, engine).reached(value).strip() == value.strip()


@pytest.mark.parametrize(
    ("value", "source", "engine"),
    [
        ("{{ name }}", "Hello {{ name }}", "jinja"),
        ("Dear {{ user.first_name|title }}", "Dear {{ user.first_name|title }}", "django"),
        ("{{ day|date:\"Y-m-d\" }}", "{{ day|date:\"Y-m-d\" }}", "django"),
        ("use {{ in mustache", "use {{ in mustache", "jinja"),
        ("7*7", "7*7 = {{ seven }}", "jinja"),
        ("name", "{{ name }}", "jinja"),
        ("{{7*7}}", "nothing of it", "jinja"),
        ("${x}", "${x}", "jinja"),
    ],
)
def test_no_code(value: str, source: str, engine: str) -> None:
    """Variables that are shown, and text without tags of this engine."""
    assert Template(source, engine).reached(value) == ""
