"""The same edits make the same messages as in Rust and Swift: see `tests/same_wire.rs`,
whose edits these are.

The installed wheel has a real clock and real randomness, where the expected messages were
made with fixed ones. So in both every id is given its number, by when it first occurs, and
every time of the client's one name; beyond that they are compared byte for byte.
"""

import asyncio
import contextlib
import json
import pathlib
import re
from collections.abc import AsyncIterator
from typing import Any

from blowing_off import BlowingOffClient

EXPECTED = pathlib.Path(__file__).parents[3] / "tests" / "data" / "same-wire-v1.txt"

ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[57][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
TIME = re.compile(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}"')
SERVER_TIMES = [f'"2026-01-01T00:00:00.00000{n}"' for n in (1, 2, 3)]
"""What the server below says; a client repeats the first."""


def answer(path: str, body: bytes) -> dict[str, Any]:
    """What a server says that takes everything."""
    match path.rsplit("/", 1)[-1]:
        case "push":
            taken = [
                {
                    "client_sync_id": change["client_sync_id"],
                    "server_sync_id": change["data"].get("sync_id"),
                    "status": "applied",
                }
                for change in json.loads(body)["changes"]
            ]
            return {
                "type": "sync_result",
                "applied": taken,
                "conflicts": [],
                "server_time": "2026-01-01T00:00:00.000002",
            }
        case "ack":
            return {
                "type": "sync_ack_response",
                "status": "acknowledged",
                "server_time": "2026-01-01T00:00:00.000003",
            }
        case _:
            return {
                "type": "sync_delta",
                "server_time": "2026-01-01T00:00:00.000001",
                "changes": [],
                "conflicts": [],
                "more": False,
            }


@contextlib.asynccontextmanager
async def recording(sent: list[str]) -> AsyncIterator[str]:
    """Such a server, which writes down what it is sent; and its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"(?im)^content-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        path = head.split(" ")[1]
        sent.append(f"{path} {body.decode()}")
        said = json.dumps(answer(path, body)).encode()
        status = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
        writer.write(f"{status}content-length: {len(said)}\r\n\r\n".encode() + said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def edit(client: BlowingOffClient, url: str) -> None:
    """The edits, in the order that every language makes them."""
    house = await client.create_house(
        "Häuschen 🏡",
        address="1 Main Street",
        latitude=52.52,
        longitude=-13.4,
        timezone="Europe/Berlin",
        settings={"beyond": 2**80, "list": [1, None, 2.5, 'a"b\\c\n']},
    )
    hall = await client.create_room(house.id, "مطبخ", floor=-1, room_type="hall")
    lamp = await client.create_device(
        hall.id,
        "Lamp",
        "light",
        manufacturer="Acme",
        capabilities=["dim", "color"],
        configuration={"nested": {"deep": [True, False, {}]}},
    )
    await client.update_device_state(lamp.id, {"power": "on", "brightness": 80, "warmth": 0.5})
    await client.update_device_state(lamp.id, {"brightness": None}, {"by": "Ada"})
    ada = await client.create_user(house.id, "Ada", email="ada@example.org", role="admin")
    await client.log_event("seen", "device", lamp.id, data={"n": 1})
    await client.connect(url, "token", protocol="v1")
    await client.sync()

    await client.update_room(hall.id, name="Hall", floor=None)
    await client.update_device(lamp.id, model="M1")
    await client.update_device_state(lamp.id, {"mode": "night"}, replace=True)
    await client.delete_user(ada.id)
    await client.sync()


def named(messages: list[str]) -> list[str]:
    """The messages with numbers for ids, and one name for every time of the client's."""
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return numbers.setdefault(found[0], f"id {len(numbers)}")

    def time(found: re.Match[str]) -> str:
        return found[0] if found[0] in SERVER_TIMES else '"time"'

    return [TIME.sub(time, ID.sub(number, message)) for message in messages]


async def test_the_messages_are_those_of_every_language(tmp_path: pathlib.Path) -> None:
    sent: list[str] = []
    async with recording(sent) as url, BlowingOffClient(tmp_path / "a.db") as client:
        await edit(client, url)
    assert named(sent) == named(EXPECTED.read_text(encoding="utf-8").splitlines())
