"""How things stand: syncs, edits that wait, lost or were refused, and sessions."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ._house import Freshness
from ._words import (
    Connection,
    EditOperation,
    Kind,
    Loser,
    PendingState,
    SyncProtocol,
    UserRole,
)


@dataclass(frozen=True)
class Conflict:
    """An edit that lost or was refused, kept whole until it is dismissed."""

    conflict_id: int
    """Number of the entry in this replica's journal."""
    kind: Kind | str
    """The record's kind."""
    id: str
    """The record's id."""
    reason: str
    """Why it lost: the rule's reason, or `rejected`, `discarded`, `absent_on_server`."""
    loser: Loser
    """`local`: an edit made here lost. `remote`: an edit made here won over this one."""
    losing: dict[str, Any]
    """The losing version as it would have been shown."""
    winning: dict[str, Any] | None
    """The version that stayed, where known."""
    losing_time: datetime | None
    """Edit time of the loser."""
    winning_time: datetime | None
    """Edit time of the winner."""
    recorded_at: datetime
    """When it was recorded here."""


@dataclass(frozen=True)
class SyncProblem:
    """Something that could not be synced, while the rest was."""

    kind: Kind | str
    """The record's kind."""
    id: str | None
    """The record's id; `None` if it is about the whole kind."""
    code: str
    """A stable word."""
    detail: str
    """In words."""


@dataclass(frozen=True)
class SyncResult:
    """The outcome of a sync that went through."""

    synced_entities: int
    """`pulled + pushed`."""
    pulled: int
    """Records that the server sent."""
    pushed: int
    """Edits that the server took or decided."""
    conflicts: list[Conflict]
    """The conflicts met in this sync."""
    conflicts_resolved: int
    """How many of them are decided."""
    errors: list[SyncProblem]
    """What could not be synced, one entry a record or kind; the rest went through."""
    duration: timedelta
    """How long it took."""


@dataclass(frozen=True)
class SyncStatus:
    """Where the replica stands."""

    server_url: str | None
    """The server, if `connect` was called."""
    client_id: str
    """This replica's name to the server."""
    protocol: SyncProtocol
    """What the server speaks; `Auto` before one was met."""
    last_sync_time: datetime | None
    """The server's time up to which everything was pulled."""
    last_sync_success: datetime | None
    """When the last sync went through, by our clock."""
    last_sync_error: str | None
    """Why the last one did not."""
    sync_failures: int
    """Failures since the last success."""
    total_syncs: int
    """Syncs that went through."""
    total_conflicts: int
    """Conflicts ever met."""
    sync_in_progress: bool
    """Whether a sync is running, here or in another process."""
    next_retry_time: datetime | None
    """When the background loop tries next."""
    pending: int
    """Edits waiting to be sent."""
    failed: int
    """Edits the server refused."""
    conflicts: int
    """Entries in the journal."""
    digest_agrees: bool | None
    """Whether replica and server were found to hold the same when their digests were last
    compared; `None` if they never were, or the server has none.
    """
    digest_checked_at: datetime | None
    """When that was."""
    counts: dict[str, int]
    """Live records by kind."""
    connection: Connection
    """How things stand with the server, as far as this client has tried."""
    background: bool
    """Whether this client syncs in the background."""
    paused: bool
    """Whether this client is paused; the rest is then how things stood before."""


@dataclass(frozen=True)
class PendingChange:
    """An edit that the server has not got."""

    kind: Kind | str
    """The record's kind."""
    id: str
    """The record's id."""
    name: str | None
    """The record's name, if it has one."""
    operation: EditOperation
    """What it does to the record."""
    state: PendingState
    """Whether it waits, or was refused."""
    attempts: int
    """How often it was sent."""
    last_error: str | None
    """What the server last said about it."""
    updated_at: datetime | None
    """When the edit was made."""


@dataclass(frozen=True)
class HistoryEntry:
    """A superseded version."""

    record: dict[str, Any]
    """The version as it was shown."""
    updated_at: datetime | None
    """Its edit time."""
    superseded_at: datetime
    """When it was superseded here."""


@dataclass(frozen=True)
class Explanation:
    """Everything the replica knows of a record's standing."""

    words: list[str]
    """In words, one sentence a line."""
    freshness: Freshness
    """Where it stands."""
    record: dict[str, Any]
    """The record as it is shown here."""
    pending: PendingChange | None
    """Its unsent edit."""
    server: dict[str, Any] | None
    """The server's version where it differs from what is shown."""
    conflicts: list[Conflict]
    """Its entries in the journal."""
    history: list[HistoryEntry]
    """Earlier versions kept here, newest first."""


@dataclass(frozen=True)
class Digests:
    """The two digests of what a replica shows."""

    state: str
    """Over kinds, ids, edit ids and deletion, tombstones included: equal on replicas that
    hold the same versions.
    """
    content: str
    """Over what live records say: equal on replicas that show the same house."""


@dataclass(frozen=True)
class Salvaged:
    """What became of a damaged database that was found on open."""

    set_aside: str
    """Where the damaged file was moved to."""
    edits_saved: int
    """How many unsent edits were carried over."""


@dataclass(frozen=True)
class AuthSession:
    """A token, and what is known of it.

    The token is kept in memory only. An app that wants to start without asking for the password
    again keeps it where the system keeps secrets, and gives it to `connect` then. Printed, a
    session does not show its token.
    """

    role: UserRole | str | None
    """What its bearer may do; `None` if nobody said."""
    expires_at: datetime | None
    """When it ends, by this device's clock; `None` if it does not, or if that is not known."""
    auth_token: str = field(repr=False)
    """The token itself: a secret."""


@dataclass(frozen=True)
class Timeouts:
    """How long the parts of an exchange may take; numbers are seconds."""

    connect: timedelta | float = 5
    """To connect."""
    idle: timedelta | float = 30
    """Without a byte."""
    total: timedelta | float = 120
    """For the whole exchange."""
