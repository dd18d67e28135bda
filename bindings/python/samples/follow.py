"""Shows a house live, in a terminal: rooms, devices and what they do, as they change.

    python follow.py http://localhost:8000 my-home.db

The token is taken from BLOWING_OFF_AUTH_TOKEN. Stop it with Ctrl-C; what it had is in the
file, and is shown at once the next time, with or without the server.
"""

import asyncio
import contextlib
import os
import sys

from blowing_off import (
    BlowingOffClient,
    Connection,
    Device,
    Failed,
    Pending,
    Superseded,
    Synced,
    WildThingError,
    events,
)


def standing(device: Device) -> str:
    """A mark for what is not as the server has it."""
    match device.freshness:
        case Synced():
            return ""
        case Pending(contested=contested):
            return " (disputed)" if contested else " (not sent yet)"
        case Failed(reason=reason):
            return f" (refused: {reason})"
        case Superseded():
            return " (another edit won)"


async def show_devices(client: BlowingOffClient) -> None:
    """Prints every device whenever one changes."""
    async for devices in client.watch_devices():
        rooms = {room.id: room.name for room in await client.get_rooms()}
        print(f"\n{len(devices)} devices")
        for device in devices:
            place = rooms.get(device.room_id or "", "nowhere")
            print(f"  {place}: {device.name} {device.state}{standing(device)}")


async def tell_news(client: BlowingOffClient) -> None:
    """Prints what happens to the sync."""
    async for event in client.changes():
        match event:
            case events.SyncFailed(detail=detail):
                print(f"offline, for now: {detail}")
            case events.Conflict(reason=reason, conflict_id=number):
                print(f"an edit lost ({reason}); restore({number}) brings it back")
            case events.ConnectionChanged(connection=Connection.ONLINE):
                print("online")
            case _:
                pass


async def main(server: str, path: str) -> None:
    """Follows a house until it is interrupted."""
    async with BlowingOffClient(path) as client:
        await client.connect(server, os.environ.get("BLOWING_OFF_AUTH_TOKEN"))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(show_devices(client))
            tasks.create_task(tell_news(client))
            await client.start_background_sync(interval=1)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(main(*sys.argv[1:]))
        except* WildThingError as errors:
            sys.exit(f"follow.py: {errors.exceptions[0]}")
