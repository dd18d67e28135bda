"""Changes, as `client.changes()` and `client.observe_changes()` tell them.

One class a kind of change, so that `match` and `isinstance` tell them apart:

    async for event in client.changes():
        match event:
            case events.StateChanged(device_id=device, state=state):
                print(device, state)
            case events.Missed():
                ...  # read anew what is on show
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from ._words import Connection, Kind, Loser, Origin

__all__ = [
    "ChangeEvent",
    "Conflict",
    "ConnectionChanged",
    "Created",
    "Deleted",
    "Missed",
    "NeedsAuth",
    "StateChanged",
    "SyncCompleted",
    "SyncFailed",
    "SyncProgress",
    "SyncStarted",
    "Updated",
]


@dataclass(frozen=True)
class ChangeEvent:
    """A change, told after it was committed."""

    event_type: ClassVar[str]
    """The event's word: `created`, `state_changed`, `sync_completed` and so on."""

    @property
    def data(self) -> dict[str, Any]:
        """The event's fields, by name; what an observer is given."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Created(ChangeEvent):
    """A record that was not there, or was deleted, is there."""

    event_type = "created"
    kind: Kind | str
    """What it is."""
    id: str
    """Its id within the kind."""
    origin: Origin
    """Who made it."""
    name: str | None
    """Its name, if it has one."""


@dataclass(frozen=True)
class Updated(ChangeEvent):
    """A record says something else."""

    event_type = "updated"
    kind: Kind | str
    """What it is."""
    id: str
    """Its id within the kind."""
    origin: Origin
    """Whose edit it is."""
    name: str | None
    """Its name, if it has one."""


@dataclass(frozen=True)
class Deleted(ChangeEvent):
    """A record is gone."""

    event_type = "deleted"
    kind: Kind | str
    """What it was."""
    id: str
    """Its id within the kind."""
    origin: Origin
    """Who deleted it."""


@dataclass(frozen=True)
class StateChanged(ChangeEvent):
    """A device does something else. It is told so whether its state is a record of its own
    or part of the device: then `Updated` comes too only if the device says something else
    beside that.
    """

    event_type = "state_changed"
    device_id: str | None
    """The device; `None` if the server did not say which."""
    id: str
    """The id of the state's own record, of kind `entity_state`; that of the device where the
    state is part of it.
    """
    origin: Origin
    """Whose edit it is."""
    state: Any
    """The whole state; `None` if there is none."""


@dataclass(frozen=True)
class Conflict(ChangeEvent):
    """An edit lost and is kept in the journal."""

    event_type = "conflict"
    kind: Kind | str
    """What the record is."""
    id: str
    """Its id within the kind."""
    conflict_id: int
    """Number of the entry in this replica's journal."""
    reason: str
    """Why it lost: the rule's reason, or `rejected`, `absent_on_server` and the like."""
    loser: Loser
    """Whose edit it was."""


@dataclass(frozen=True)
class SyncStarted(ChangeEvent):
    """A sync began. It ends in `SyncCompleted` or `SyncFailed`."""

    event_type = "sync_started"


@dataclass(frozen=True)
class SyncProgress(ChangeEvent):
    """A sync got on."""

    event_type = "sync_progress"
    done: int
    """Records pulled and edits pushed up to now."""
    total: int | None
    """How many there are, if that is known; servers of v1 do not tell."""


@dataclass(frozen=True)
class SyncCompleted(ChangeEvent):
    """A sync went through."""

    event_type = "sync_completed"
    pulled: int
    """Records that the server sent."""
    pushed: int
    """Edits that the server took or decided."""
    conflicts: int
    """Conflicts met."""
    problems: int
    """Records or kinds that could not be synced, while the rest was."""


@dataclass(frozen=True)
class SyncFailed(ChangeEvent):
    """A sync did not go through; what it did before stays done."""

    event_type = "sync_failed"
    code: str
    """The error's stable word: `offline`, `needs_auth`, …"""
    detail: str
    """What happened."""


@dataclass(frozen=True)
class ConnectionChanged(ChangeEvent):
    """The server was found or lost."""

    event_type = "connection_changed"
    connection: Connection
    """How it stands now."""


@dataclass(frozen=True)
class NeedsAuth(ChangeEvent):
    """The server refused the token; nothing is sent until another is given."""

    event_type = "needs_auth"
    status: int
    """The HTTP status, 401 or 403."""


@dataclass(frozen=True)
class Missed(ChangeEvent):
    """Events were dropped just before this, because they were not taken in time (8,192 may
    wait). What is on show is then best read anew.
    """

    event_type = "missed"
    count: int
    """How many."""
