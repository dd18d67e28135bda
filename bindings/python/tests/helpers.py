"""What several tests need: clients at a hub, waiting for a condition, and the core's own
count of who listens.
"""

import asyncio
import contextlib
import logging
import pathlib
import re
from collections.abc import AsyncIterator, Callable, Iterator

import blowing_off
from blowing_off import BlowingOffClient
from hubs import TOKEN, Hub


@contextlib.asynccontextmanager
async def client_of(hub: Hub, path: pathlib.Path) -> AsyncIterator[BlowingOffClient]:
    """A client that is connected to a hub, and shut down afterwards."""
    async with BlowingOffClient(path) as client:
        await client.connect(hub.url, TOKEN)
        yield client


async def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition; each test has a deadline."""
    while not condition():
        await asyncio.sleep(0.005)


class Audience(logging.Handler):
    """How many streams, observers and live queries the core says there are."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.most = 0

    def emit(self, record: logging.LogRecord) -> None:
        found = re.search(r"listeners=(\d+)", record.getMessage())
        if found:
            self.count = int(found[1])
            self.most = max(self.most, self.count)

    async def is_of(self, count: int) -> None:
        """Waits until so many listen."""
        await until(lambda: self.count == count)


@contextlib.contextmanager
def audience() -> Iterator[Audience]:
    """Listens to what the core logs of its listeners, for one client at a time."""
    logger = logging.getLogger("blowing_off.observe")
    heard = Audience()
    blowing_off.set_log_level(logging.DEBUG)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(heard)
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
        logger.propagate = True
        blowing_off.set_log_level(logging.WARNING)
