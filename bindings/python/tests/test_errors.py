"""Each error, with its fields, as a caller gets it."""

import asyncio
import inspect
import json
import os
import pathlib
import pickle
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

import blowing_off
from blowing_off import (
    BlowingOffClient,
    BusyError,
    InternalError,
    InvalidError,
    NeedsAuthError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    OfflineError,
    OtherServerError,
    ProtocolError,
    RateLimitedError,
    ServerError,
    StorageError,
    UnsupportedByServerError,
    WildThingError,
    WrongPasswordError,
)
from conftest import StartHub
from helpers import client_of, until
from hubs import PASSWORD, TOKEN, Hub, free_port


@asynccontextmanager
async def answering(status: int, body: str) -> AsyncIterator[str]:
    """A server that gives every request the same answer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        head = f"HTTP/1.1 {status} Words\r\ncontent-type: application/json\r\nconnection: close\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_arguments(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "a.db") as home:
        with pytest.raises(NotFoundError) as missing:
            await home.get_room("nowhere")
        assert (missing.value.kind, missing.value.id) == ("room", "nowhere")
        assert str(missing.value) == "there is no room 'nowhere'"
        assert isinstance(missing.value, LookupError)
        with pytest.raises(InvalidError) as invalid:
            await home.get_room("")
        assert invalid.value.field == "id" and invalid.value.problem
        with pytest.raises(InvalidError) as invalid:
            await home.create_house(" ")
        assert invalid.value.field == "name" and isinstance(invalid.value, ValueError)
        with pytest.raises(InvalidError) as invalid:
            await home.connect("nonsense")
        with pytest.raises(InvalidError) as invalid:
            await home.connect("http://127.0.0.1:9", protocol="v3")
        assert invalid.value.field == "protocol" and "'v1'" in invalid.value.problem
        with pytest.raises(InvalidError) as invalid:
            await home.wait_until_synced(-1)
        assert invalid.value.field == "timeout"
        with pytest.raises(InvalidError):
            await home.start_background_sync(interval=float("inf"))
        with pytest.raises(InvalidError) as invalid:
            BlowingOffClient(durability="some")
        with pytest.raises(TypeError):
            await home.get_room(12)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            await home.explain(12, "x")  # type: ignore[arg-type]


LONE = "\ud83d"
"""The first half of an emoji."""


@pytest.mark.parametrize(
    "call",
    [
        lambda home: home.get_room(LONE),
        lambda home: home.get_rooms(LONE),
        lambda home: home.create_house(LONE),
        lambda home: home.create_house("Cabin", settings={"icon": [LONE]}),
        lambda home: home.create_house("Cabin", settings={LONE: 1}),
        lambda home: home.update_house("x", extra={"icon": LONE}),
        lambda home: home.update_device_state("x", {"text": LONE}),
        lambda home: home.explain(LONE, "x"),
        lambda home: home.explain("room", LONE),
        lambda home: home.connect(f"http://127.0.0.1:9/{LONE}"),
        lambda home: home.set_auth_token(LONE),
        lambda home: BlowingOffClient(LONE).get_houses(),
    ],
)
async def test_text_that_is_none_is_refused_and_leaks_nothing(
    tmp_path: pathlib.Path, call: Callable[[BlowingOffClient], Awaitable[object]]
) -> None:
    path = tmp_path / "a.db"
    home = BlowingOffClient(path)
    await home.create_house("Cabin")
    with pytest.raises(InvalidError) as invalid:
        await call(home)
    assert invalid.value.field == "text" and "'\\ud83d'" in str(invalid.value)
    # Without `shutdown` the file is closed, which empties the log beside it, as soon as
    # nobody holds the client.
    del home, invalid
    await until(lambda: not path.with_name("a.db-wal").exists())


async def test_no_server(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "a.db") as home:
        for call in (home.sync, home.probe, home.start_background_sync):
            with pytest.raises(NotConnectedError):
                await call()
        await home.connect(f"http://127.0.0.1:{free_port()}", TOKEN)
        with pytest.raises(OfflineError) as offline:
            await home.sync()
        assert offline.value.reason in str(offline.value)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token(tmp_path: pathlib.Path, status: int) -> None:
    async with answering(status, "{}") as url, BlowingOffClient(tmp_path / "a.db") as home:
        await home.connect(url, "secret-token")
        with pytest.raises(NeedsAuthError) as refused:
            await home.probe()
        assert refused.value.status == status
        assert "secret-token" not in f"{refused.value} {refused.value!r}"


async def test_a_server_that_fails(tmp_path: pathlib.Path) -> None:
    async with answering(500, "out of order") as url, BlowingOffClient(tmp_path / "a.db") as home:
        await home.connect(url, TOKEN, protocol="v1")
        with pytest.raises(ServerError) as failed:
            await home.sync()
        assert failed.value.status == 500 and "out of order" in failed.value.detail


async def test_a_server_that_talks_nonsense(tmp_path: pathlib.Path) -> None:
    async with answering(200, "[7]") as url, BlowingOffClient(tmp_path / "a.db") as home:
        await home.connect(url, TOKEN, protocol="v1")
        with pytest.raises(ProtocolError) as nonsense:
            await home.sync()
        assert nonsense.value.problem in str(nonsense.value)


async def test_signing_in(tmp_path: pathlib.Path, start_hub: StartHub) -> None:
    hub = start_hub("--protocol", "v2")
    async with BlowingOffClient(tmp_path / "a.db") as home:
        await home.connect(hub.url)
        with pytest.raises(WrongPasswordError):
            await home.login("wrong")
        with pytest.raises(InvalidError) as invalid:
            await home.login_guest("{}")
        assert invalid.value.field == "qr_data"
        invitation = {
            "type": "guest_access", "server": "x", "port": 1, "token": "stale",
            "expires": "2099-01-01T00:00:00Z",
        }  # fmt: skip
        with pytest.raises(NotAllowedError) as stale:
            await home.login_guest(json.dumps(invitation))
        assert stale.value.detail
        with pytest.raises(RateLimitedError) as limited:
            for _ in range(20):
                with pytest.raises(WrongPasswordError):
                    await home.login("wrong")
        assert limited.value.retry_after > timedelta(0)
        with pytest.raises(RateLimitedError):
            await home.login(PASSWORD)


async def test_another_server(tmp_path: pathlib.Path, hub: Hub, start_hub: StartHub) -> None:
    other = start_hub("--sample", "5")
    async with client_of(hub, tmp_path / "a.db") as home:
        await home.sync()
        await home.connect(other.url, TOKEN)
        with pytest.raises(OtherServerError) as strange:
            await home.sync()
        assert strange.value.expected and strange.value.found != strange.value.expected
        await home.connect(other.url, TOKEN, rebind=True)
        await home.sync()


async def test_files_that_cannot_be_used(tmp_path: pathlib.Path) -> None:
    songs = tmp_path / "songs.db"
    songs.write_text("not a database, and long enough not to be empty" * 100)
    newer = tmp_path / "newer.db"
    async with BlowingOffClient(newer):
        pass
    with sqlite3.connect(newer) as database:
        database.execute("PRAGMA user_version = 9999")
    database.close()
    cases = {
        songs: "not_a_database",
        newer: "newer_schema",
        tmp_path / "no" / "such" / "folder.db": "cant_open",
    }
    for path, code in cases.items():
        with pytest.raises(StorageError) as failed:
            await BlowingOffClient(path).get_houses()
        assert failed.value.code == code
        assert str(path.name) in failed.value.problem or code == "cant_open"


async def test_a_key_is_never_ignored(tmp_path: pathlib.Path) -> None:
    # The library that is tested here has no encryption, as that which ships.
    with pytest.raises(StorageError) as failed:
        await BlowingOffClient(tmp_path / "a.db", key=bytes(32)).get_houses()
    assert failed.value.code == "no_encryption" and not (tmp_path / "a.db").exists()
    secret = b"thirty-one bytes are no key...."
    short = BlowingOffClient(tmp_path / "a.db", key=secret)
    with pytest.raises(InvalidError) as invalid:
        await short.get_houses()
    assert invalid.value.field == "key"
    assert "thirty" not in f"{short!r} {invalid.value} {invalid.value!r}"
    async with BlowingOffClient(tmp_path / "a.db") as home:
        for key in (bytes(32), None):
            with pytest.raises(StorageError) as failed:
                await home.change_key(key)
            assert failed.value.code == "no_encryption"
        assert await home.get_houses() == []


async def test_a_client_that_could_not_be_opened_tries_again(tmp_path: pathlib.Path) -> None:
    home = BlowingOffClient(tmp_path / "later" / "a.db")
    with pytest.raises(StorageError):
        await home.get_houses()
    os.mkdir(tmp_path / "later")
    assert await home.get_houses() == []
    await home.shutdown()


async def test_what_needs_a_graph(tmp_path: pathlib.Path, hub: Hub) -> None:
    async with client_of(hub, tmp_path / "a.db") as home:
        await home.sync()
        with pytest.raises(UnsupportedByServerError) as refused:
            await home.create_entity("note", "Nowhere to go")
        assert refused.value.what in str(refused.value)


def every_error() -> list[type[WildThingError]]:
    """All classes of errors."""
    classes = [it for it in vars(blowing_off).values() if inspect.isclass(it)]
    return [it for it in classes if issubclass(it, WildThingError) and it is not WildThingError]


@pytest.mark.parametrize("cls", every_error(), ids=lambda cls: cls.__name__)
def test_errors_survive_pickling_and_say_what_happened(cls: type[WildThingError]) -> None:
    samples: dict[str, object] = {"status": 500, "count": 2, "waited_ms": 5, "pending": 1}
    samples["retry_after"] = timedelta(seconds=1.5)
    names = list(inspect.signature(cls).parameters) if "__init__" in vars(cls) else []
    build: Callable[..., WildThingError] = cls
    error = build(*(samples.get(name, name) for name in names))
    assert str(error)
    for copy in (error, pickle.loads(pickle.dumps(error))):
        assert type(copy) is cls and str(copy) == str(error)
        assert [getattr(copy, name) for name in names] == [samples.get(name, name) for name in names]


def test_errors_that_cannot_be_provoked_here_have_their_fields() -> None:
    assert str(BusyError()) == "another process is syncing this replica"
    assert InternalError("panic").detail == "panic"
    assert str(RateLimitedError(timedelta(seconds=1.5))).endswith("in 2 s")
