"""Calls to hear of changes: a stream, observers, and live queries."""

from collections.abc import Callable
from typing import Any

from ._base import Base
from ._house import Device, DeviceState, House, Room
from ._standing import SyncStatus
from ._streams import ChangeStream, Listen, LiveQuery, Observer, Subscription


class Observing(Base):
    """Observing."""

    async def observe_changes(self, observer: Observer) -> Subscription:
        """Calls an observer with each change from now on, until the subscription is
        cancelled or the client ends: `observer(event_type, data)`, a function or an `async`
        one.

        It is called in the event loop this is called in, with one change at a time, in
        order. What it raises is given to the loop's exception handler, which logs it, and
        the next change comes all the same. See `events` for the words and their data.
        """
        return Subscription(ChangeStream((await self._core()).changes()), observer)

    def changes(self) -> ChangeStream:
        """A stream of changes from now on: this client's, the server's, and those that other
        processes commit to the same file. Of theirs, it may also tell what was committed in
        the last 200 ms before. If the client is not opened yet, it begins when it is iterated.
        """
        return ChangeStream(*self._listening(lambda core: core.changes()))

    def watch_houses(self) -> LiveQuery[list[House]]:
        """Every house, now and whenever that changes."""
        return LiveQuery(*self._listening(lambda core: core.watch_houses()))

    def watch_rooms(self, house_id: str | None = None) -> LiveQuery[list[Room]]:
        """The rooms of a house, or all, now and whenever that changes."""
        return LiveQuery(*self._listening(lambda core: core.watch_rooms(house_id)))

    def watch_devices(self, room_id: str | None = None) -> LiveQuery[list[Device]]:
        """The devices of a room, or all, now and whenever that changes."""
        return LiveQuery(*self._listening(lambda core: core.watch_devices(room_id)))

    def watch_device_state(self, device_id: str) -> LiveQuery[DeviceState]:
        """What a device is doing, now and whenever that changes. A device that is not here, or
        is deleted, raises `NotFoundError` once; if it comes, or comes back, its state is the
        next answer, to a loop that is begun anew on the same query.
        """
        return LiveQuery(*self._listening(lambda core: core.watch_device_state(device_id)))

    def watch_status(self) -> LiveQuery[SyncStatus]:
        """Where the replica stands, now and whenever that changes. A pause is an answer too,
        with `paused` set.
        """
        return LiveQuery(*self._listening(lambda core: core.watch_status()))

    def _listening(self, listen: Callable[[Any], Any]) -> tuple[Any, Listen | None]:
        """The library's stream or query where the client is open, or a way to get it."""
        if (core := self._if_open()) is not None:
            return listen(core), None

        async def later() -> Any:
            return listen(await self._core())

        return None, later
