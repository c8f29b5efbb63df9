"""When an input decides which internal host is asked."""

from __future__ import annotations

import pytest

from collector.detect.reached.url import connect_reached, is_internal, reached


@pytest.mark.parametrize(
    ("value", "url", "host"),
    [
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/", "127.0.0.1"),
        ("http://127.0.0.1:80/a", "http://127.0.0.1/a", "127.0.0.1"),
        ("http://LOCALHOST/", "http://localhost/", "localhost"),
        ("http://169.254.169.254/latest/", "http://169.254.169.254/latest/", "169.254.169.254"),
        ("http://2130706433/", "http://2130706433/", "2130706433"),
        ("http://0x7f.1/", "http://0x7f.1/", "0x7f.1"),
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
        ("http://redis:6379/", "http://redis:6379/", "redis"),
        ("10.0.0.5", "http://10.0.0.5/status", "10.0.0.5"),
        ("@127.0.0.1/", "http://img.example.com@127.0.0.1/", "127.0.0.1"),
        (".evil.example/x", "http://img.example.com.evil.example/x", "img.example.com.evil.example"),
        ("file:///etc/passwd", "file:///etc/passwd", "file:///etc/passwd"),
        ("gopher://127.0.0.1:6379/_x", "gopher://127.0.0.1:6379/_x", "gopher://127.0.0.1:6379/_x"),
    ],
)
def test_decides(value: str, url: str, host: str) -> None:
    """A whole internal host, the end of the app's own host, or an unusual scheme that comes from the input."""
    assert reached(value, url) == host


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://cdn.example.com/x.png", "https://cdn.example.com/x.png"),
        ("data:image/png;base64,iVBORw0KGgo=", "data:image/png;base64,iVBORw0KGgo="),
        ("/covers/1.png", "http://127.0.0.1:8080/covers/1.png"),
        ("covers/1.png", "http://127.0.0.1:8080/covers/1.png"),
        ("127.0.0.1", "http://api.example.com/lookup?ip=127.0.0.1"),
        ("http://127.0.0.1/", "http://api.example.com/?u=http://127.0.0.1/"),
        ("the old man", "http://127.0.0.1:9200/books/_search"),
        ("shop", "http://shop.example.com/"),
        ("", "http://127.0.0.1/"),
        ("http://[", "http://127.0.0.1/"),
    ],
)
def test_does_not_decide(value: str, url: str) -> None:
    """Public hosts, paths and queries are the visitor's to choose."""
    assert reached(value, url) == ""


def test_what_the_name_resolves_to() -> None:
    """A public name that leads to an internal address is an internal host."""
    assert reached("http://rebind.example.com/", "http://rebind.example.com/", ["10.1.2.3"]) == "rebind.example.com"
    assert reached("http://rebind.example.com/", "http://rebind.example.com/", ["93.184.216.34"]) == ""


def test_connections() -> None:
    """A bare connection needs host and port from the input: `host=127.0.0.1` is no reason to suspect a database."""
    assert connect_reached("127.0.0.1", "127.0.0.1:5432") == ""
    assert connect_reached("127.0.0.1:6379", "127.0.0.1:6379") == "127.0.0.1"
    assert connect_reached("http://[::1]:6379/x", "[::1]:6379") == "::1"
    assert connect_reached("93.184.216.34:25", "93.184.216.34:25") == ""
    assert connect_reached("", "127.0.0.1:5432") == ""


@pytest.mark.parametrize(
    "host", ["127.1", "0", "0.0.0.0", "10.1.2.3", "100.100.100.200",
             "172.16.0.1", "192.168.1.1", "::1", "::", "fe80::1%eth0",
             "fc00::1", "::ffff:10.0.0.1", "017700000001", "metadata.google.internal", "x.local", "127.0.0.1.nip.io",
             "db", "localhost."]
)  # fmt: skip
def test_internal(host: str) -> None:
    """Addresses in every spelling, and names that lead inside."""
    assert is_internal(host)


@pytest.mark.parametrize(
    "host", ["93.184.216.34", "example.com", "172.32.0.1", "2606:4700::1111", "localhost.example.com", "11.0.0.1", ""]
)
def test_external(host: str) -> None:
    """Public addresses and names."""
    assert not is_internal(host)
