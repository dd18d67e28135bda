"""Calls to change the house. Each is safe on disk before it returns, server or not.

Of the `update_…` calls, an argument that is left out leaves its field as it is, and
`None` empties it.
"""

from typing import Any

from . import _lower
from ._base import Base
from ._bridge import native
from ._house import Device, DeviceState, Event, House, Room, User
from ._words import UNSET, DeviceType, Kind, Unset, UserRole


class Writing(Base):
    """Writing."""

    async def create_house(
        self,
        name: str,
        *,
        address: str | None = None,
        latitude: float | None = None,
        longitude: float | None = None,
        timezone: str | None = None,
        settings: Any = None,
    ) -> House:
        """Makes a house. `InvalidError` if a field can't be used."""
        new = native.NewHouse(
            name=name,
            address=address,
            latitude=latitude,
            longitude=longitude,
            timezone=timezone,
            settings=settings,
        )
        house: House = await (await self._core()).create_house(new)
        return house

    async def update_house(
        self,
        house_id: str,
        *,
        name: str | Unset = UNSET,
        address: str | None | Unset = UNSET,
        latitude: float | None | Unset = UNSET,
        longitude: float | None | Unset = UNSET,
        timezone: str | None | Unset = UNSET,
        settings: Any = UNSET,
        extra: dict[str, Any] | None = None,
    ) -> House:
        """Changes fields of a house; `extra` has other fields than those named here."""
        patch = _lower.patch(
            native.HousePatch,
            extra,
            name=name,
            address=address,
            latitude=latitude,
            longitude=longitude,
            timezone=timezone,
            settings=settings,
        )
        house: House = await (await self._core()).update_house(house_id, patch)
        return house

    async def delete_house(self, house_id: str) -> None:
        """Deletes a house with its rooms, devices and users."""
        await (await self._core()).delete_house(house_id)

    async def create_room(
        self,
        house_id: str,
        name: str,
        *,
        floor: int | None = None,
        room_type: str | None = None,
        settings: Any = None,
    ) -> Room:
        """Makes a room. `NotFoundError` if the house is not there.

        - `floor`: storey; 0 is the ground floor.
        - `room_type`: `living_room`, `kitchen`, …
        """
        new = native.NewRoom(
            house_id=house_id, name=name, floor=floor, room_type=room_type, settings=settings
        )
        room: Room = await (await self._core()).create_room(new)
        return room

    async def update_room(
        self,
        room_id: str,
        *,
        house_id: str | Unset = UNSET,
        name: str | Unset = UNSET,
        floor: int | None | Unset = UNSET,
        room_type: str | None | Unset = UNSET,
        settings: Any = UNSET,
        extra: dict[str, Any] | None = None,
    ) -> Room:
        """Changes fields of a room. `NotFoundError` if it is to move to a house that is not
        there.
        """
        patch = _lower.patch(
            native.RoomPatch,
            extra,
            house_id=house_id,
            name=name,
            floor=floor,
            room_type=room_type,
            settings=settings,
        )
        room: Room = await (await self._core()).update_room(room_id, patch)
        return room

    async def delete_room(self, room_id: str) -> None:
        """Deletes a room with its devices."""
        await (await self._core()).delete_room(room_id)

    async def create_device(
        self,
        room_id: str,
        name: str,
        device_type: DeviceType | str = DeviceType.OTHER,
        *,
        manufacturer: str | None = None,
        model: str | None = None,
        capabilities: Any = None,
        configuration: Any = None,
        ip_address: str | None = None,
        mac_address: str | None = None,
    ) -> Device:
        """Makes a device. `NotFoundError` if the room is not there.

        `capabilities` is any JSON, `configuration` an object.
        """
        new = native.NewDevice(
            room_id=room_id,
            name=name,
            device_type=_lower.device_type(device_type),
            manufacturer=manufacturer,
            model=model,
            capabilities=capabilities,
            configuration=configuration,
            ip_address=ip_address,
            mac_address=mac_address,
        )
        device: Device = await (await self._core()).create_device(new)
        return device

    async def update_device(
        self,
        device_id: str,
        *,
        room_id: str | Unset = UNSET,
        name: str | Unset = UNSET,
        device_type: DeviceType | str | None | Unset = UNSET,
        manufacturer: str | None | Unset = UNSET,
        model: str | None | Unset = UNSET,
        capabilities: Any = UNSET,
        configuration: Any = UNSET,
        ip_address: str | None | Unset = UNSET,
        mac_address: str | None | Unset = UNSET,
        extra: dict[str, Any] | None = None,
    ) -> Device:
        """Changes fields of a device; its state has a call of its own. `NotFoundError` if it
        is to move to a room that is not there.
        """
        patch = _lower.patch(
            native.DevicePatch,
            extra,
            room_id=room_id,
            name=name,
            device_type=_lower.change(_lower.device_type, device_type),
            manufacturer=manufacturer,
            model=model,
            capabilities=capabilities,
            configuration=configuration,
            ip_address=ip_address,
            mac_address=mac_address,
        )
        device: Device = await (await self._core()).update_device(device_id, patch)
        return device

    async def delete_device(self, device_id: str) -> None:
        """Deletes a device."""
        await (await self._core()).delete_device(device_id)

    async def update_device_state(
        self,
        device_id: str,
        state: dict[str, Any],
        attributes: dict[str, Any] | None = None,
        *,
        replace: bool = False,
    ) -> DeviceState:
        """Changes what a device is doing: `state` is merged into the current state (RFC 7386:
        `None` removes a key), or replaces it whole. `attributes` are merged likewise. With a
        server that has a graph the state is part of the device, and this makes a new version
        of the device.
        """
        core = await self._core()
        changed: DeviceState = await core.update_device_state(device_id, state, attributes, replace)
        return changed

    async def create_user(
        self,
        house_id: str,
        name: str,
        *,
        email: str | None = None,
        role: UserRole | str = UserRole.MEMBER,
        preferences: Any = None,
    ) -> User:
        """Makes a user. `NotFoundError` if the house is not there."""
        new = native.NewUser(
            house_id=house_id,
            name=name,
            email=email,
            role=_lower.role(role),
            preferences=preferences,
        )
        user: User = await (await self._core()).create_user(new)
        return user

    async def update_user(
        self,
        user_id: str,
        *,
        house_id: str | Unset = UNSET,
        name: str | Unset = UNSET,
        email: str | None | Unset = UNSET,
        role: UserRole | str | None | Unset = UNSET,
        preferences: Any = UNSET,
        extra: dict[str, Any] | None = None,
    ) -> User:
        """Changes fields of a user. `NotFoundError` if they are to move to a house that is
        not there.
        """
        patch = _lower.patch(
            native.UserPatch,
            extra,
            house_id=house_id,
            name=name,
            email=email,
            role=_lower.change(_lower.role, role),
            preferences=preferences,
        )
        user: User = await (await self._core()).update_user(user_id, patch)
        return user

    async def delete_user(self, user_id: str) -> None:
        """Deletes a user."""
        await (await self._core()).delete_user(user_id)

    async def log_event(
        self,
        event_type: str,
        entity_type: Kind | str,
        entity_id: str,
        *,
        description: str | None = None,
        data: Any = None,
        source: str | None = None,
        user_id: str | None = None,
    ) -> Event:
        """Logs an event. What it is about need not be here.

        - `event_type`: what happened, one word.
        - `entity_type`, `entity_id`: the record it is about.
        - `source`: who or what reports it; `user_id`: the user behind it.
        """
        new = native.NewEvent(
            event_type=event_type,
            entity_type=_lower.kind(entity_type),
            entity_id=entity_id,
            description=description,
            data=data,
            source=source,
            user_id=user_id,
        )
        event: Event = await (await self._core()).log_event(new)
        return event
