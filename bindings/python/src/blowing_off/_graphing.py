"""Calls for a house that is a graph: entities of any type, and what connects them.

A replica has a graph if its server speaks v2, or if `connect(protocol="v2")` says so.
"""

from collections.abc import Sequence
from typing import Any

from . import _lower
from ._base import Base
from ._bridge import native
from ._graph import Entity, GraphPath, Neighbour, Relationship, SearchHit
from ._words import EdgeDirection


class Graphing(Base):
    """Entities and relationships."""

    async def get_entities(self, entity_type: str | None = None) -> list[Entity]:
        """The entities of a type (`home`, `room`, `device`, `note`, …), or all, by type and
        name. People are there as `user`. Empty for a type of which there is none.
        """
        entities: list[Entity] = await (await self._core()).get_entities(entity_type)
        return entities

    async def get_entity(self, entity_id: str, entity_type: str | None = None) -> Entity:
        """One entity. Without a graph ids may repeat across types: then `InvalidError`,
        unless `entity_type` tells which.
        """
        entity: Entity = await (await self._core()).get_entity(entity_id, entity_type)
        return entity

    async def create_entity(
        self,
        entity_type: str,
        name: str,
        content: dict[str, Any] | None = None,
        *,
        source_type: str | None = None,
    ) -> Entity:
        """Makes an entity; it is connected to others by `connect_entities`. What has a place
        is better made by `create_room` and `create_device`.

        - `entity_type`: `home`, `room`, `device`, `zone`, `door`, `window`, `procedure`,
          `manual`, `note`, `schedule`, `automation` or `app`.
        - `content`: everything else; any names but `deleted`.
        - `source_type`: `homekit`, `matter`, `manual`, `imported` or `generated`; `manual`
          when left out.
        """
        new = native.NewEntity(
            entity_type=entity_type, name=name, content=content, source_type=source_type
        )
        entity: Entity = await (await self._core()).create_entity(new)
        return entity

    async def update_entity(
        self,
        entity_id: str,
        *,
        name: str | None = None,
        content: dict[str, Any] | None = None,
        replace: bool = False,
        source_type: str | None = None,
    ) -> Entity:
        """Changes an entity: its name, and its content by a merge patch (RFC 7386: `None`
        removes a name) or, with `replace`, as a whole. What is left out stays.
        """
        patch = native.EntityPatch(
            name=name, content=content, replace=replace, source_type=source_type
        )
        entity: Entity = await (await self._core()).update_entity(entity_id, patch)
        return entity

    async def delete_entity(self, entity_id: str) -> None:
        """Deletes an entity; a house with its rooms, and a room with its devices. Its
        relationships are no longer shown.
        """
        await (await self._core()).delete_entity(entity_id)

    async def get_relationships(
        self,
        *,
        from_id: str | None = None,
        to_id: str | None = None,
        entity_id: str | None = None,
        relationship_type: str | None = None,
    ) -> list[Relationship]:
        """The relationships that fit all that is given, or all, by id; `entity_id` is at
        either end. One of an entity that is deleted is not among them; one to an entity that
        is not here is.
        """
        fitting = native.RelationshipFilter(
            from_id=from_id,
            to_id=to_id,
            entity_id=entity_id,
            relationship_type=relationship_type,
        )
        edges: list[Relationship] = await (await self._core()).get_relationships(fitting)
        return edges

    async def connect_entities(
        self,
        from_id: str,
        to_id: str,
        relationship_type: str,
        properties: dict[str, Any] | None = None,
    ) -> Relationship:
        """Connects two entities: `from_id` is `located_in`, `controls`, … `to_id`. If they are
        connected just so, with the same properties, that relationship is given.
        """
        core = await self._core()
        edge: Relationship = await core.connect_entities(
            from_id, to_id, relationship_type, properties
        )
        return edge

    async def disconnect_entities(self, relationship_id: str) -> None:
        """Takes a relationship away. Servers have no way to delete one: it is sent with the
        property `deleted`, which clients and hubs of this project honour, and does not come
        back here. `NotFoundError` if it is not there.
        """
        await (await self._core()).disconnect_entities(relationship_id)

    async def neighbours(
        self,
        entity_id: str,
        relationship_type: str | None = None,
        direction: EdgeDirection | str | None = None,
    ) -> list[Neighbour]:
        """What is next to an entity: along the relationships that start at it, then along
        those that lead to it; of one type, or in one direction, if asked for. Without a graph
        nothing is.
        """
        way = None if direction is None else _lower.word("direction", EdgeDirection, direction)
        core = await self._core()
        near: list[Neighbour] = await core.neighbours(entity_id, relationship_type, way)
        return near

    async def find_path(
        self, from_id: str, to_id: str, max_depth: int | None = None
    ) -> GraphPath | None:
        """A shortest way from one entity to another, along relationships in whichever
        direction they point, at most `max_depth` of them (10 when left out). `None` if there
        is no such way; `NotFoundError` if one of the two is not there.
        """
        path: GraphPath | None = await (await self._core()).find_path(from_id, to_id, max_depth)
        return path

    async def search(
        self, query: str, entity_types: Sequence[str] | None = None, limit: int = 20
    ) -> list[SearchHit]:
        """The entities whose name or content has all the words of `query`, best first: words
        in the name weigh more. The last word may be the beginning of one; case and accents
        make no difference. Works offline, on every replica.

        `entity_types` narrows it down. What changed since the last search is indexed by this
        one, so that the first takes longer.
        """
        types = None if entity_types is None else list(entity_types)
        hits: list[SearchHit] = await (await self._core()).search(query, types, limit)
        return hits
