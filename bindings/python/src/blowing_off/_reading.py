"""Calls to read the house. All work offline."""

from ._base import Base
from ._house import Device, DeviceState, Event, House, Room, User


class Reading(Base):
    """Reading."""

    async def get_house(self, house_id: str | None = None) -> House:
        """One house: the one named, or the first by name. `NotFoundError` if there is none."""
        house: House = await (await self._core()).get_house(house_id)
        return house

    async def get_houses(self) -> list[House]:
        """Every house, by name."""
        houses: list[House] = await (await self._core()).get_houses()
        return houses

    async def get_room(self, room_id: str) -> Room:
        """One room."""
        room: Room = await (await self._core()).get_room(room_id)
        return room

    async def get_rooms(self, house_id: str | None = None) -> list[Room]:
        """The rooms of a house, or all, by name."""
        rooms: list[Room] = await (await self._core()).get_rooms(house_id)
        return rooms

    async def get_device(self, device_id: str) -> Device:
        """One device."""
        device: Device = await (await self._core()).get_device(device_id)
        return device

    async def get_devices(self, room_id: str | None = None) -> list[Device]:
        """The devices of a room, or all, by name. A device whose room is not here or deleted
        is *unplaced* and in no room.
        """
        devices: list[Device] = await (await self._core()).get_devices(room_id)
        return devices

    async def get_user(self, user_id: str) -> User:
        """One user."""
        user: User = await (await self._core()).get_user(user_id)
        return user

    async def get_users(self, house_id: str | None = None) -> list[User]:
        """The users of a house, or all, by name."""
        users: list[User] = await (await self._core()).get_users(house_id)
        return users

    async def get_device_state(self, device_id: str) -> DeviceState:
        """What a device is doing. A device that never told has an empty state."""
        state: DeviceState = await (await self._core()).get_device_state(device_id)
        return state

    async def get_device_history(self, device_id: str, limit: int = 100) -> list[DeviceState]:
        """The states of a device that are remembered here, newest first. Where a state is
        part of its device these are the states of the device's versions, each with the time
        of the version that brought it.
        """
        states: list[DeviceState] = await (await self._core()).get_device_history(device_id, limit)
        return states

    async def get_events(self, entity_id: str | None = None, limit: int = 100) -> list[Event]:
        """Logged events, newest first: all, or those about one record."""
        logged: list[Event] = await (await self._core()).get_events(entity_id, limit)
        return logged
