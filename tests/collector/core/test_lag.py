"""A late event loop is spoken of, with what the process itself did meanwhile."""

from __future__ import annotations

import asyncio
import time

from collector.core.lag import watch_lag
from tests.collector.logged import captured


def test_late_loop() -> None:
    """A loop that was kept busy is late, by so much and with that much work; an idle one is never spoken of."""

    async def main() -> None:
        watch = asyncio.create_task(watch_lag(0.01, 0.25))
        await asyncio.sleep(0.05)
        assert log.events() == []
        end = time.process_time() + 0.5
        while time.process_time() < end:
            pass
        while not log.events():
            await asyncio.sleep(0.01)
        watch.cancel()

    with captured() as log:
        asyncio.run(asyncio.wait_for(main(), 60))
    (event,) = log.events()
    assert event["level"] == "warning"
    assert event["seconds"] >= 0.4
    assert event["cpu_seconds"] >= 0.4
