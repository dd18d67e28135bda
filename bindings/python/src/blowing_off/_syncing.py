"""Calls to sync: by hand, in the background, and how it stands."""

from datetime import timedelta

from . import _lower
from ._base import Base
from ._standing import SyncResult, SyncStatus


class Syncing(Base):
    """Syncing."""

    async def sync(self) -> SyncResult:
        """Syncs now, or joins the sync that runs.

        Raises `NotConnectedError`, `OfflineError`, `NeedsAuthError`, `ServerError`,
        `ProtocolError`, `OtherServerError`, `BusyError`, `StorageError`, `PausedError` or
        `CallCancelledError`. What was done before it failed stays done; the rest waits for
        the next sync.

        Cancelling the last task that waits for a sync ends it, unless it is one of the
        background.
        """
        result: SyncResult = await (await self._core()).sync()
        return result

    async def wait_until_synced(self, timeout: timedelta | float) -> SyncResult:
        """Waits until the server has answered every edit made before this call: it took
        it, decided it, or refused it, which marks it failed; and until a sync that began
        after this call went through. The result is that sync's.

        Syncs by itself if no background sync goes on, and then raises what `sync` does. A
        background sync is told to try at once; its failures are waited out. Raises
        `SyncTimeoutError` after `timeout` (a number is seconds), and `CallCancelledError`
        or `PausedError` as soon as syncing is stopped in any way.
        """
        limit = _lower.duration("timeout", timeout)
        result: SyncResult = await (await self._core()).wait_until_synced(limit)
        return result

    def cancel_sync(self) -> None:
        """Ends the sync that runs, promptly. Whoever waits for it gets
        `CallCancelledError`.
        """
        if (core := self._if_open()) is not None:
            core.cancel_sync()

    async def start_background_sync(self, interval: timedelta | float = 30) -> None:
        """Syncs now and then every `interval` (at least a second; a number is seconds),
        later after failures, sooner after local writes and hints. A running one is
        replaced.
        """
        span = _lower.duration("interval", interval)
        await (await self._core()).start_background_sync(span)

    async def stop_background_sync(self) -> None:
        """Ends the background sync. A sync that runs is ended too."""
        await (await self._core()).stop_background_sync()

    def network_available(self) -> None:
        """The network is back: a background sync tries at once."""
        if (core := self._if_open()) is not None:
            core.network_available()

    async def get_sync_status(self) -> SyncStatus:
        """Where the replica stands. While the client is paused: where it stood then."""
        status: SyncStatus = await (await self._core()).get_sync_status()
        return status
