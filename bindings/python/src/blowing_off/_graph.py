"""The house as a graph: entities of any type, and relationships between them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ._house import Freshness
from ._words import EdgeDirection, Kind, RecordStatus


@dataclass(frozen=True)
class Entity:
    """Something in the house, of any type."""

    id: str
    """Its id."""
    entity_type: str
    """What it is, in the words of the graph: `home`, `room`, `device`, `note`, … A person is
    a `user`, which servers of graphs have no place for.
    """
    kind: Kind | str
    """The same as the other calls of this library have it: a `home` is a house."""
    name: str
    """Its name; may be empty."""
    content: dict[str, Any]
    """Everything that is known of it. Of a record of a server without a graph these are its
    fields, with what it is in under `house_id` or `room_id`.
    """
    source_type: str | None
    """Where it comes from: `homekit`, `matter`, `manual`, `imported`, `generated`. `None`
    without a graph.
    """
    user_id: str | None
    """Who made this version. `None` without a graph."""
    checksum: str | None
    """Checksum of a blob that belongs to it."""
    version: str
    """Which version this is; without a graph the edit that made it."""
    updated_at: datetime | None
    """Edit time."""
    sync_status: RecordStatus
    """Where it stands with the server, in a word."""
    freshness: Freshness
    """The same with times and reasons."""
    extra: dict[str, Any]
    """Fields beside these that the server sent, as they came."""


@dataclass(frozen=True)
class Relationship:
    """An edge of the graph."""

    id: str
    """Its id."""
    from_id: str | None
    """The entity it starts at."""
    to_id: str | None
    """The entity it leads to."""
    relationship_type: str
    """What it says of the two: `located_in`, `controls`, …"""
    properties: dict[str, Any]
    """What is known about the connection."""
    from_version: str | None
    """The version of its start that it was last sent with, if it was."""
    to_version: str | None
    """The same of its end."""
    updated_at: datetime | None
    """When it was last changed."""
    sync_status: RecordStatus
    """Where it stands with the server, in a word."""
    freshness: Freshness
    """The same with times and reasons."""
    extra: dict[str, Any]
    """Fields beside these that the server sent, as they came."""


@dataclass(frozen=True)
class Neighbour:
    """What is next to an entity."""

    entity: Entity
    """The entity at the other end."""
    relationship: Relationship
    """How the two are connected."""
    direction: EdgeDirection
    """Which way that points, seen from the entity that was asked about."""


@dataclass(frozen=True)
class GraphPath:
    """A way from one entity to another."""

    entities: list[Entity]
    """The entities along it, both ends included."""
    relationships: list[Relationship]
    """The relationships between them, one less; each may point either way."""


@dataclass(frozen=True)
class SearchHit:
    """An entity that was found by words."""

    entity: Entity
    """The entity."""
    score: float
    """How well it fits, for comparison within one answer; greater is better."""
    snippet: str
    """The part of its name or content that fits, shortened."""
