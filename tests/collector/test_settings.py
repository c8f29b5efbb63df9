"""What the types of settings hold."""

from __future__ import annotations

from collector import settings


def test_every_number_has_bounds() -> None:
    """No number of any section can be set without a lower and an upper bound."""
    from msgspec import inspect

    found = inspect.type_info(settings.Settings)
    assert isinstance(found, inspect.StructType)
    unbounded = []
    for section in found.fields:
        kind = section.type
        assert isinstance(kind, inspect.StructType)
        for one in kind.fields:
            inner = one.type.type if isinstance(one.type, inspect.Metadata) else one.type
            if isinstance(inner, inspect.IntType) and (inner.ge is None or inner.le is None):
                unbounded.append(f"{section.name}.{one.name}")
    assert unbounded == []


def test_listen_addresses() -> None:
    """IPv4, IPv6 in brackets, and localhost are understood."""
    assert settings.listen_address("127.0.0.1:1") == ("127.0.0.1", 1)
    assert settings.listen_address("[::1]:9464") == ("::1", 9464)
    assert settings.listen_address("localhost:9464") == ("127.0.0.1", 9464)
