"""Listening: a stream of changes, live queries, and observers that are called.

All three end when they are cancelled, when they are let go of (a loop that is left by
`break`, a cancelled task), and when the client ends; none keeps its client alive.
"""

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from . import _forking
from .events import ChangeEvent

T = TypeVar("T")

Listen = Callable[[], Awaitable[Any]]
"""Opens the client if need be, and gives the library's stream or query."""


class _Listening:
    """What streams and queries have in common: a beginning and an end."""

    def __init__(self, source: Any, listen: Listen | None) -> None:
        # Where the client is open already, listening begins at once.
        self._source = source
        # Otherwise with the first answer; it holds the client, but not for longer.
        self._listen = listen
        self._over = False

    async def _next(self) -> Any:
        _forking.check()
        if self._listen is not None and not self._over:
            source = await self._listen()
            # Another task may have begun meanwhile, or cancelled.
            if self._listen is not None:
                self._source, self._listen = source, None
        # An answer that is there is given at once. So others get their turn here, even from
        # one who never has to wait, and cancelling it loses nothing.
        await asyncio.sleep(0)
        if self._over:
            return None
        return await self._source.next()

    def cancel(self) -> None:
        """Ends it at once: who waits for the next one finds the loop over. May be called
        again.
        """
        self._over = True
        self._listen = None
        if self._source is not None and not _forking.inherited():
            self._source.cancel()

    async def aclose(self) -> None:
        """The same, for `contextlib.aclosing`."""
        self.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cancel()


class ChangeStream(_Listening):
    """Changes as they are committed, here or by another process on the same file.

    Up to 8,192 events wait for a reader; an `events.Missed` tells how many were dropped.
    """

    def __init__(self, source: Any, listen: Listen | None = None) -> None:
        super().__init__(source, listen)
        self._at_hand: deque[ChangeEvent] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChangeEvent:
        _forking.check()
        while not self._at_hand:
            batch = await self._next()
            if batch is None:
                raise StopAsyncIteration
            self._at_hand.extend(batch)
        return self._at_hand.popleft()

    def cancel(self) -> None:
        """Ends the stream at once, and drops what was not taken. May be called again."""
        super().cancel()
        self._at_hand.clear()


class LiveQuery(_Listening, Generic[T]):
    """An answer now, and again whenever it is another than before.

    Changes within 30 ms make one answer. While the client is paused it waits. An error
    is an answer too: it is raised once, and the next round waits for another answer.
    """

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        answer: T | None = await self._next()
        if answer is None:
            raise StopAsyncIteration
        return answer


Observer = Callable[[str, dict[str, Any]], Awaitable[object] | object]
"""Is called with an event's word and its fields; may be `async`."""

# Loops hold their tasks weakly.
_observing: set[asyncio.Task[None]] = set()


class Subscription:
    """An observer's place among the listeners."""

    def __init__(self, stream: ChangeStream, observer: Observer) -> None:
        self._stream = stream
        self._task = asyncio.get_running_loop().create_task(
            _observe(stream, observer), name="blowing_off observer"
        )
        _observing.add(self._task)
        self._task.add_done_callback(_observing.discard)

    def cancel(self) -> None:
        """Ends it: no further call begins; one that runs goes on to its end. May be
        called again, also by the observer itself.
        """
        self._stream.cancel()

    @property
    def active(self) -> bool:
        """Whether changes are still to come: false once it was cancelled or the client
        ended, and in a forked child.
        """
        ended = self._task.done() or self._stream._over
        return not ended and not _forking.inherited()


async def _observe(stream: ChangeStream, observer: Observer) -> None:
    """Calls the observer with one event after the other, in order."""
    async with stream:
        async for event in stream:
            try:
                answer = observer(event.event_type, event.data)
                if inspect.isawaitable(answer):
                    await answer
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                _report(observer, event, error)
            except Exception as error:
                _report(observer, event, error)


def _report(observer: Observer, event: ChangeEvent, error: BaseException) -> None:
    """Tells of an observer that failed, as `asyncio` tells of what nobody awaits; the next
    event comes all the same.
    """
    asyncio.get_running_loop().call_exception_handler(
        {
            "message": f"an observer of blowing_off failed at {event.event_type!r}",
            "exception": error,
            "observer": observer,
        }
    )
