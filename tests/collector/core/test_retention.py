"""Pruning goes on, whatever the store says to it."""

from __future__ import annotations

import asyncio

import pytest

from collector.core import retention


def test_a_failing_store_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that raises is asked again the next time; each time `breathe` is called before."""
    monkeypatch.setattr(retention, "EVERY", 0)
    seen: list[str] = []

    async def main() -> None:
        third = asyncio.Event()
        loop = asyncio.get_running_loop()

        def prune() -> int:
            seen.append("prune")
            if len(seen) < 5:
                raise OSError("disk is full")
            loop.call_soon_threadsafe(third.set)
            return 1

        task = asyncio.create_task(retention.keep_pruning(prune, lambda: seen.append("breathe")))
        await asyncio.wait_for(third.wait(), 20)
        task.cancel()

    asyncio.run(main())
    assert seen[:6] == ["breathe", "prune"] * 3
