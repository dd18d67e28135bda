"""A client's core: opening it when it is first needed, and ending it."""

import asyncio
import os
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

from . import _ending, _forking, _log, _lower
from ._bridge import native
from ._errors import CallCancelledError
from ._words import Durability


class Base:
    """A client without its calls."""

    def __init__(
        self,
        path: str | os.PathLike[str] = "blowing-off.db",
        *,
        durability: Durability | str = Durability.FULL,
        echo: bool = False,
        sync_on_write: bool = True,
        key: bytes | None = None,
    ) -> None:
        """A client on the database at `path`, which is opened, or made, by the first call
        that needs it, or by `async with`.

        - `durability`: how safe a local write is when its call returns.
        - `echo`: log every SQL statement, without its values, as `blowing_off.sql`; shown
          on stderr unless `logging` is set up otherwise.
        - `sync_on_write`: let a local write start a sync after 250 ms of quiet, while a
          background sync runs.
        - `key`: the key of an encrypted database, 32 random bytes; a password is no key.
          The first call raises a `StorageError` that touches nothing if it is another one
          (`wrong_key`), if the database is not encrypted (`not_encrypted`), and if this
          library was built without encryption (`no_encryption`), as it is unless you built
          it otherwise.
        """
        self._path = os.fspath(path)
        self._durability = _lower.word("durability", Durability, durability)
        self._echo = echo
        self._sync_on_write = sync_on_write
        self._key = key if key is None else bytes(key)
        self._handle: Any = None
        # Locks serve one loop each, a client any number of them.
        self._opening: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._opening = WeakKeyDictionary()
        self._ended = False

    async def _core(self) -> Any:
        """The library's client, opened if need be."""
        _forking.check()
        if self._handle is None:
            async with self._lock():
                if self._handle is None and not self._ended:
                    await self._open()
            if self._handle is None:
                raise CallCancelledError()
        return self._handle

    def _if_open(self) -> Any:
        """The library's client where it is open."""
        _forking.check()
        return self._handle

    def _lock(self) -> asyncio.Lock:
        return self._opening.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    async def _open(self) -> None:
        _forking.opening()
        _log.listen(self._echo)
        options = native.OpenOptions(
            durability=self._durability, echo=self._echo, sync_on_write=self._sync_on_write
        )
        if self._key is None:
            handle = await native.WildThingClient.open(self._path, options)
        else:
            handle = await native.WildThingClient.open_encrypted(self._path, self._key, options)
        if self._handle is None and not self._ended:
            _ending.opened(handle)
            self._handle = handle
        else:
            # Meanwhile another thread's loop opened it, or shut it down.
            await handle.shutdown()

    async def shutdown(self) -> None:
        """Ends background work and a running sync, and closes the file.

        Calls raise `CallCancelledError` from here on. Streams, observers and live queries
        end, the first two once they have what happened until now. A client that is never
        shut down is shut down at the end of the program.
        """
        _forking.check()
        self._ended = True
        async with self._lock():
            # Whoever opens it just now is waited for, and ends it again.
            pass
        if self._handle is not None:
            await self._handle.shutdown()

    async def __aenter__(self) -> Self:
        await self._core()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # In a forked child nothing is shut down; what the block raised matters more.
        if kind is None or not _forking.inherited():
            await self.shutdown()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._path!r})"
