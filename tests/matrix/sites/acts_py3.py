"""What the sites do asynchronously."""

import asyncio

from tests.matrix.sites import acts


async def parts(how):
    """The same as acts.parts, with others having their turn between them."""
    for part in acts.parts(how):
        await asyncio.sleep(0)
        yield part
