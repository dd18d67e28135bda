"""Building a house with no server anywhere: every call that reads or writes one."""

import math
import pathlib
from datetime import UTC, datetime

import pytest

from blowing_off import (
    UNSET,
    BlowingOffClient,
    DeviceType,
    InvalidError,
    Kind,
    NotFoundError,
    Pending,
    RecordStatus,
    UserRole,
)

NAMES = ["Häuschen 🏡", "בית ליד הים", "منزل 🏝️ على الشاطئ", "👩‍👩‍👧‍👦", "家", "a\u0301 \u200f‮x"]


async def test_a_house_is_built_read_changed_and_deleted(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "house.db") as home:
        assert await home.salvaged() is None
        house = await home.create_house("Cabin", address="1 Main Street", latitude=59.9)
        assert (house.name, house.address, house.latitude) == ("Cabin", "1 Main Street", 59.9)
        assert house.sync_status is RecordStatus.PENDING and str(house.sync_status) == "pending"
        assert isinstance(house.freshness, Pending) and not house.freshness.contested
        assert house.created_at is not None and house.created_at.tzinfo == UTC
        assert abs((datetime.now(UTC) - house.created_at).total_seconds()) < 60
        assert await home.get_house() == await home.get_house(house.id) == house
        assert await home.get_houses() == [house]

        room = await home.create_room(house.id, "Hall", floor=1, room_type="hallway")
        moved = await home.update_room(room.id, floor=2)
        assert (moved.floor, moved.room_type) == (2, "hallway")
        assert [r.name for r in await home.get_rooms()] == ["Hall"]
        assert await home.get_rooms(house.id) == [await home.get_room(room.id)]

        lamp = await home.create_device(room.id, "Lamp", DeviceType.LIGHT, manufacturer="Philips")
        assert lamp.device_type is DeviceType.LIGHT and lamp.room_id == room.id
        renamed = await home.update_device(lamp.id, name="Lava lamp", device_type="lava lamp")
        assert (renamed.name, renamed.device_type) == ("Lava lamp", "lava lamp")
        assert renamed.manufacturer == "Philips"
        assert await home.get_devices(room.id) == [await home.get_device(lamp.id)]
        assert len(await home.get_devices()) == 1

        await home.update_device_state(lamp.id, {"power": "on", "brightness": 80})
        state = await home.update_device_state(lamp.id, {"brightness": None}, {"by": "test"})
        assert (state.state, state.attributes) == ({"power": "on"}, {"by": "test"})
        state = await home.update_device_state(lamp.id, {"power": "off"}, replace=True)
        assert (await home.get_device_state(lamp.id)).state == state.state == {"power": "off"}
        earlier = [s.state for s in await home.get_device_history(lamp.id)]
        assert earlier[-1] == {"power": "on", "brightness": 80}
        assert len(await home.get_device_history(lamp.id, limit=1)) == 1

        ada = await home.create_user(house.id, "Ada", email="ada@example.org")
        assert ada.role is UserRole.MEMBER
        assert (await home.update_user(ada.id, role="admin")).role is UserRole.ADMIN
        assert (await home.update_user(ada.id, role=None)).role is None
        assert await home.get_users(house.id) == [await home.get_user(ada.id)]

        seen = await home.log_event("seen", Kind.DEVICE, lamp.id, data={"n": 1}, user_id=ada.id)
        assert await home.get_events(lamp.id) == await home.get_events(limit=5) == [seen]
        assert (seen.entity_type, seen.data) == (Kind.DEVICE, {"n": 1})

        await home.delete_user(ada.id)
        await home.delete_device(lamp.id)
        await home.delete_room(room.id)
        await home.delete_house(house.id)
        assert await home.get_houses() == []
        with pytest.raises(NotFoundError):
            await home.get_house()


async def test_what_is_left_out_stays_and_none_empties(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "patch.db") as home:
        house = await home.create_house("Cabin", address="1 Main Street", settings={"a": 1})
        same = await home.update_house(house.id, name="Hut", address=UNSET)
        assert (same.name, same.address, same.settings) == ("Hut", "1 Main Street", {"a": 1})
        emptied = await home.update_house(house.id, address=None, settings=None)
        assert (emptied.name, emptied.address, emptied.settings) == ("Hut", None, None)
        with pytest.raises(InvalidError):
            await home.update_house(house.id, name=None)  # type: ignore[arg-type]
        assert (await home.get_house()).name == "Hut"


async def test_names_in_any_script_come_back_as_they_went(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "🏡 בית.db") as home:
        made = [await home.create_house(name) for name in NAMES]
        assert [house.name for house in made] == NAMES
        assert {house.name for house in await home.get_houses()} == set(NAMES)
    assert (tmp_path / "🏡 בית.db").is_file()


async def test_json_comes_back_as_it_went(tmp_path: pathlib.Path) -> None:
    nested: object = 2**200
    for level in range(30):
        nested = [nested] if level % 2 else {"deeper 🕳️": nested}
    settings = {
        "huge": 2**64 - 1,
        "huger": 2**80,
        "negative": -(2**63),
        "fraction": 0.1,
        "nothing": None,
        "words": NAMES,
        "nested": nested,
        "long": "x" * 200_000,
        "many": [{"n": n, "on": n % 2 == 0} for n in range(2_000)],
    }
    async with BlowingOffClient(tmp_path / "json.db") as home:
        house = await home.create_house("Cabin", settings=settings)
        assert (await home.get_house()).settings == settings
        room = await home.create_room(house.id, "Hall")
        lamp = await home.create_device(room.id, "Lamp", capabilities=["dim", 2**70, None])
        assert (await home.get_device(lamp.id)).capabilities == ["dim", 2**70, None]
        told = await home.update_device_state(lamp.id, settings)
        assert told.state == {name: it for name, it in settings.items() if it is not None}
    async with BlowingOffClient(tmp_path / "json.db") as again:
        assert (await again.get_house()).settings == settings


async def test_what_is_no_json_is_refused_before_anything_is_written(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "nojson.db") as home:
        for settings, error in [({"x": math.nan}, ValueError), ({"x": {1, 2}}, TypeError)]:
            with pytest.raises(error):
                await home.create_house("Cabin", settings=settings)
        assert await home.get_houses() == []


async def test_records_show_what_they_hold_and_do_not_change(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "shown.db") as home:
        house = await home.create_house("Cabin")
        assert "name='Cabin'" in repr(house) and house.id in repr(house)
        with pytest.raises(AttributeError):
            house.name = "Hut"  # type: ignore[misc]
        assert repr(home) == f"BlowingOffClient({str(tmp_path / 'shown.db')!r})"
