"""A house that is a graph: entities of any type, and relationships between them."""

import pathlib

import pytest

from blowing_off import BlowingOffClient, EdgeDirection, Kind, UnsupportedByServerError
from conftest import StartHub
from helpers import client_of


async def test_a_graph_is_built_walked_and_searched_offline(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "graph.db") as home:
        with pytest.raises(UnsupportedByServerError) as refused:
            await home.create_entity("note", "Too early")
        assert "note" in refused.value.what
        await home.connect("http://127.0.0.1:9", protocol="v2")
        cabin = await home.create_house("Cabin")
        hall = await home.create_room(cabin.id, "Hall")
        hall = await home.update_room(hall.id, extra={"colour": "blue"})
        assert hall.extra["colour"] == "blue"
        lamp = await home.create_device(hall.id, "Lamp")
        note = await home.create_entity("note", "How to", {"text": "Turn the knob", "big": 2**80})
        assert (note.content["big"], note.kind, note.source_type) == (2**80, "note", "manual")
        changed = await home.update_entity(note.id, content={"big": None, "page": 3})
        assert changed.content == {"text": "Turn the knob", "page": 3}
        assert changed.version > note.version
        assert await home.get_entity(note.id) == changed
        replaced = await home.update_entity(note.id, name="How", content={"text": "Knob"}, replace=True)
        assert (replaced.name, replaced.content) == ("How", {"text": "Knob"})
        assert [entity.name for entity in await home.get_entities("device")] == ["Lamp"]
        assert (await home.get_entities("home"))[0].kind is Kind.HOUSE

        edge = await home.connect_entities(lamp.id, note.id, "documented_by", {"why": ["new"]})
        assert (edge.from_id, edge.to_id) == (lamp.id, note.id)
        assert edge.properties == {"why": ["new"]}
        assert edge in await home.get_relationships(from_id=lamp.id)
        assert await home.get_relationships(to_id=note.id) == [edge]
        assert await home.get_relationships(entity_id=note.id) == [edge]
        assert await home.get_relationships(relationship_type="documented_by") == [edge]
        near = await home.neighbours(lamp.id, direction=EdgeDirection.OUTGOING)
        assert {it.entity.name for it in near} == {"Hall", "How"}
        (it,) = await home.neighbours(note.id, "documented_by", "incoming")
        assert (it.entity.id, it.direction) == (lamp.id, EdgeDirection.INCOMING)

        path = await home.find_path(note.id, cabin.id)
        assert path is not None
        assert [entity.name for entity in path.entities] == ["How", "Lamp", "Hall", "Cabin"]
        assert len(path.relationships) == 3
        assert await home.find_path(note.id, cabin.id, max_depth=2) is None

        (hit,) = await home.search("kno")
        assert hit.entity.id == note.id and "Knob" in hit.snippet and hit.score > 0
        assert await home.search("kno", ["device"]) == []
        assert len(await home.search("l", limit=1)) == 1

        await home.disconnect_entities(edge.id)
        await home.delete_entity(note.id)
        assert await home.search("knob") == []
        assert await home.neighbours(lamp.id, "documented_by") == []


async def test_a_graph_crosses_over(tmp_path: pathlib.Path, start_hub: StartHub) -> None:
    hub = start_hub("--protocol", "v2", "--sample", "30")
    async with client_of(hub, tmp_path / "a.db") as ann, client_of(hub, tmp_path / "b.db") as ben:
        await ann.sync()
        lamp = (await ann.get_devices())[0]
        note = await ann.create_entity("note", "זהירות ⚠️", {"text": "hot"})
        await ann.connect_entities(lamp.id, note.id, "documented_by")
        await ann.update_device_state(lamp.id, {"power": "on"})
        await ann.sync()
        await ben.sync()
        (it,) = await ben.neighbours(lamp.id, "documented_by")
        assert (it.entity.name, it.entity.content) == ("זהירות ⚠️", {"text": "hot"})
        assert (await ben.get_device_state(lamp.id)).state["power"] == "on"
        # What the server added to ann's edits comes with her next sync.
        await ann.sync()
        assert await ann.digests() == await ben.digests()
