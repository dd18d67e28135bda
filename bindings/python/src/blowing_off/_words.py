"""Words that records and events use.

All are `StrEnum`s: `DeviceType.LIGHT == "light"`, and where one is asked for the plain
word does as well. What a house is made of may have words that this version does not
know; those of `Kind`, `DeviceType` and `UserRole` are then plain strings, as they came.
"""

from enum import Enum, StrEnum


class Kind(StrEnum):
    """What a record is. Kinds this version does not know are kept as they came."""

    HOUSE = "house"
    """A home; the root of containment."""
    ROOM = "room"
    """A room of a house."""
    DEVICE = "device"
    """A device in a room."""
    USER = "user"
    """Somebody who lives in or visits a house."""
    ENTITY_STATE = "entity_state"
    """The state of a device, one record per (device, state type)."""
    EVENT = "event"
    """Something that happened, kept as a log."""
    RELATIONSHIP = "relationship"
    """An edge of the graph, from the entity that is its parent to another."""


class DeviceType(StrEnum):
    """What a device is."""

    LIGHT = "light"
    """A lamp."""
    SWITCH = "switch"
    """A switch or socket."""
    SENSOR = "sensor"
    """Something that measures."""
    THERMOSTAT = "thermostat"
    """A thermostat."""
    LOCK = "lock"
    """A lock."""
    CAMERA = "camera"
    """A camera."""
    SPEAKER = "speaker"
    """A loudspeaker."""
    OTHER = "other"
    """None of these."""


class UserRole(StrEnum):
    """What a user may do."""

    ADMIN = "admin"
    """Everything."""
    MEMBER = "member"
    """Lives in the house."""
    GUEST = "guest"
    """Is visiting."""


class RecordStatus(StrEnum):
    """Where a record stands with the server."""

    SYNCED = "synced"
    """The server's version is held."""
    PENDING = "pending"
    """A local edit waits to be sent or answered."""
    CONFLICT = "conflict"
    """A local edit waits, and the server holds a concurrent one."""
    ERROR = "error"
    """The server refused the local edit; see `sync_error`."""


class Origin(StrEnum):
    """Where a change came from."""

    LOCAL = "local"
    """An edit made on this replica."""
    REMOTE = "remote"
    """The server."""


class Loser(StrEnum):
    """Whose edit lost."""

    LOCAL = "local"
    """An edit made on this replica."""
    REMOTE = "remote"
    """A server version that an edit made here won over."""


class Connection(StrEnum):
    """How things stand with the server, as far as this client has tried."""

    NOT_CONNECTED = "not_connected"
    """No server is named."""
    UNKNOWN = "unknown"
    """A server is named, and was not asked yet with this token."""
    ONLINE = "online"
    """It answered last time."""
    OFFLINE = "offline"
    """It could not be reached last time."""
    NEEDS_AUTH = "needs_auth"
    """It refused the token; another is needed."""


class SyncProtocol(StrEnum):
    """Which protocol a replica's server speaks."""

    AUTO = "auto"
    """Not known yet: the first sync asks the server."""
    V1 = "v1"
    """Inbetweenies v1: records of six kinds."""
    V2 = "v2"
    """Inbetweenies v2: a graph of entities and relationships."""


class EditOperation(StrEnum):
    """What a change did. Only `delete` has a meaning of its own: creates and updates both
    carry the whole record."""

    CREATE = "create"
    """The record is new."""
    UPDATE = "update"
    """The record was there before."""
    DELETE = "delete"
    """The version is a tombstone."""


class PendingState(StrEnum):
    """Whether an unsent edit will be sent."""

    QUEUED = "queued"
    """It will, at the next sync."""
    FAILED = "failed"
    """Not before it is retried or edited: the server refused it."""


class EdgeDirection(StrEnum):
    """Which way a relationship points, seen from an entity."""

    OUTGOING = "outgoing"
    """It starts there."""
    INCOMING = "incoming"
    """It leads there."""


class Durability(StrEnum):
    """What survives a power cut."""

    FULL = "full"
    """Every acknowledged local write (`synchronous=FULL`)."""
    FAST = "fast"
    """The database stays sound, but a power cut may take the last local writes with it
    (`synchronous=NORMAL`). A crash of the program takes nothing."""


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset.UNSET
"""Stands for an argument that was not given, where `None` means to empty a field."""
