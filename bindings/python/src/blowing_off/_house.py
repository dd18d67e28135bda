"""What is in a house: houses, rooms, users, devices, their states, and events.

Records say what was so when they were read; they don't change, and writing to one does
not write to the house.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ._words import DeviceType, Kind, RecordStatus, UserRole


@dataclass(frozen=True)
class Synced:
    """It is as the server had it."""

    as_of: datetime | None
    """When this version was exchanged with the server. Whether anything newer was looked
    for since is told by `last_sync_success` of the sync status.
    """


@dataclass(frozen=True)
class Pending:
    """It was edited here, and the server has not answered yet."""

    since: datetime | None
    """Edit time."""
    contested: bool
    """Whether the server has another edit, which by the rule gives way to this one."""


@dataclass(frozen=True)
class Failed:
    """It was edited here, and the server refused the edit. It is not sent again by
    itself: retry it, edit it, or discard it.
    """

    since: datetime | None
    """Edit time."""
    reason: str
    """The server's words."""


@dataclass(frozen=True)
class Superseded:
    """It is as the server had it, and an edit made here lost to that. The losing edit can
    be restored or dismissed.
    """

    as_of: datetime | None
    """When this version was exchanged with the server."""
    conflict_id: int
    """The entry among the conflicts."""
    reason: str
    """Why the edit lost."""


Freshness = Synced | Pending | Failed | Superseded
"""Where a record stands with the server."""


@dataclass(frozen=True)
class House:
    """A home."""

    id: str
    """Its id."""
    name: str
    """Its name; empty if the server gave none."""
    address: str | None
    """Street address."""
    latitude: float | None
    """Degrees north."""
    longitude: float | None
    """Degrees east."""
    timezone: str | None
    """IANA name of its time zone."""
    settings: Any
    """Settings, usually an object."""
    created_at: datetime | None
    """When it was made, by its author's clock."""
    updated_at: datetime | None
    """Edit time."""
    sync_id: str
    """The edit that made this version."""
    sync_status: RecordStatus
    """Where it stands with the server, in a word."""
    freshness: Freshness
    """The same with times and reasons."""
    extra: dict[str, Any]
    """Every other field, as it came."""


@dataclass(frozen=True)
class Room:
    """A room of a house."""

    id: str
    """Its id."""
    house_id: str | None
    """The house it is in; `None` if it is unplaced."""
    unplaced: bool
    """Whether the house it names is not here."""
    name: str
    """Its name; empty if the server gave none."""
    floor: int | None
    """Storey; 0 is the ground floor."""
    room_type: str | None
    """`living_room`, `kitchen`, …"""
    temperature: float | None
    """Degrees Celsius, where the server knows."""
    humidity: float | None
    """Per cent, where the server knows."""
    settings: Any
    """Settings, usually an object."""
    created_at: datetime | None
    """When it was made, by its author's clock."""
    updated_at: datetime | None
    """Edit time."""
    sync_id: str
    """The edit that made this version."""
    sync_status: RecordStatus
    """Where it stands with the server, in a word."""
    freshness: Freshness
    """The same with times and reasons."""
    extra: dict[str, Any]
    """Every other field, as it came."""


@dataclass(frozen=True)
class User:
    """Somebody who lives in or visits a house."""

    id: str
    """Their id."""
    house_id: str | None
    """The house; `None` if they are unplaced."""
    unplaced: bool
    """Whether the house they name is not here."""
    name: str
    """The name; empty if the server gave none."""
    email: str | None
    """Unique among the users of a server."""
    role: UserRole | str | None
    """What they may do."""
    preferences: Any
    """Preferences, usually an object."""
    created_at: datetime | None
    """When the record was made, by its author's clock."""
    updated_at: datetime | None
    """Edit time."""
    sync_id: str
    """The edit that made this version."""
    sync_status: RecordStatus
    """Where it stands with the server, in a word."""
    freshness: Freshness
    """The same with times and reasons."""
    extra: dict[str, Any]
    """Every other field, as it came."""


@dataclass(frozen=True)
class Device:
    """A device in a room."""

    id: str
    """Its id."""
    room_id: str | None
    """The room it is in; `None` if it is unplaced."""
    unplaced: bool
    """Whether the room it names is not here."""
    name: str
    """Its name; empty if the server gave none."""
    device_type: DeviceType | str
    """What it is."""
    manufacturer: str | None
    """Who made it."""
    model: str | None
    """Which model it is."""
    capabilities: Any
    """What it can do."""
    configuration: Any
    """How it is set up."""
    ip_address: str | None
    """Address in the home network."""
    mac_address: str | None
    """Hardware address."""
    state: dict[str, Any]
    """What it is doing; empty if it never told."""
    created_at: datetime | None
    """When it was made, by its author's clock."""
    updated_at: datetime | None
    """Edit time of the device; its state has one of its own."""
    sync_id: str
    """The edit that made this version."""
    sync_status: RecordStatus
    """Where it stands with the server, in a word."""
    freshness: Freshness
    """The same with times and reasons."""
    extra: dict[str, Any]
    """Every other field, as it came."""


@dataclass(frozen=True)
class DeviceState:
    """What a device is doing, or was."""

    device_id: str
    """The device."""
    state: dict[str, Any]
    """The whole state; empty if the device never told."""
    attributes: dict[str, Any]
    """What was given beside it."""
    updated_at: datetime | None
    """Edit time."""
    sync_status: RecordStatus
    """Where it stands with the server."""


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    id: str
    """Its id."""
    event_type: str
    """What happened, one word."""
    entity_type: Kind | str
    """The kind of record it is about."""
    entity_id: str | None
    """The record it is about, which need not be here."""
    description: str | None
    """In words."""
    data: Any
    """Data, usually an object."""
    source: str | None
    """Who or what reported it."""
    user_id: str | None
    """The user behind it."""
    created_at: datetime | None
    """When it was logged."""
    updated_at: datetime | None
    """Edit time."""
    sync_id: str
    """The edit that made this version."""
    sync_status: RecordStatus
    """Where it stands with the server, in a word."""
    freshness: Freshness
    """The same with times and reasons."""
    extra: dict[str, Any]
    """Every other field, as it came."""
