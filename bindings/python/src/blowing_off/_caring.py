"""Calls to care for edits: those that wait, lost, or were refused."""

from typing import Any

from . import _lower
from ._base import Base
from ._standing import Conflict, Digests, Explanation, HistoryEntry, PendingChange
from ._words import Kind


class Caring(Base):
    """Care for edits."""

    async def pending_changes(self) -> list[PendingChange]:
        """The edits that the server has not got, in the order they will be sent."""
        edits: list[PendingChange] = await (await self._core()).pending_changes()
        return edits

    async def explain(self, kind: Kind | str, id: str) -> Explanation:
        """Everything the replica knows of a record's standing. Deleted records can be
        explained too.
        """
        told: Explanation = await (await self._core()).explain(_lower.kind(kind), id)
        return told

    async def conflicts(self) -> list[Conflict]:
        """The edits that lost or were refused, newest first, until they are dismissed."""
        entries: list[Conflict] = await (await self._core()).conflicts()
        return entries

    async def restore(self, conflict_id: int) -> dict[str, Any]:
        """Makes a losing version a new edit, based on the version that won; a delete that won
        is undone so. The record as it is now shown.
        """
        shown: dict[str, Any] = await (await self._core()).restore(conflict_id)
        return shown

    async def dismiss(self, conflict_id: int) -> None:
        """Takes an entry off the list of conflicts."""
        await (await self._core()).dismiss(conflict_id)

    async def history(self, kind: Kind | str, id: str) -> list[HistoryEntry]:
        """Earlier versions of a record that are kept here, newest first."""
        entries: list[HistoryEntry] = await (await self._core()).history(_lower.kind(kind), id)
        return entries

    async def retry_failed(self, kind: Kind | str | None = None, id: str | None = None) -> int:
        """Queues failed edits again: all, or one record's. Returns how many."""
        which = None if kind is None else _lower.kind(kind)
        count: int = await (await self._core()).retry_failed(which, id)
        return count

    async def discard(self, kind: Kind | str, id: str) -> None:
        """Drops the unsent edit of a record: it goes to the journal, and the server's version,
        if there is one, comes back.
        """
        await (await self._core()).discard(_lower.kind(kind), id)

    async def reset(self, *, force: bool = False) -> None:
        """Empties the replica. `UnsentEditsError` if the server has not got everything. With
        `force` those edits are dropped, and the list of conflicts with them.
        """
        await (await self._core()).reset(force)

    async def digests(self) -> Digests:
        """Digests of what the replica shows."""
        both: Digests = await (await self._core()).digests()
        return both
