"""Clients that meet at a hub: edits that cross, conflict, are refused, or have to wait."""

import asyncio
import pathlib
from datetime import timedelta

import pytest

from blowing_off import (
    BlowingOffClient,
    CallCancelledError,
    Connection,
    EditOperation,
    Loser,
    NeedsAuthError,
    NotConnectedError,
    OfflineError,
    PausedError,
    Pending,
    PendingState,
    Superseded,
    Synced,
    SyncProtocol,
    SyncTimeoutError,
    Timeouts,
    UnsentEditsError,
)
from conftest import StartHub
from helpers import client_of, until
from hubs import PASSWORD, TOKEN, Hub, mute


async def test_edits_cross_over(tmp_path: pathlib.Path, either_hub: Hub) -> None:
    hub = either_hub
    async with client_of(hub, tmp_path / "a.db") as ann, client_of(hub, tmp_path / "b.db") as ben:
        await ann.probe()
        first = await ann.sync()
        assert first.synced_entities == first.pulled > 0 and first.errors == []
        assert isinstance(first.duration, timedelta)
        await ben.sync()
        assert await ann.client_id() != await ben.client_id()
        device = (await ann.get_devices())[0]
        assert isinstance(device.freshness, Synced)
        await ann.update_device(device.id, name="حمام 🛁")
        assert (await ann.sync()).pushed == 1
        await ben.sync()
        assert (await ben.get_device(device.id)).name == "حمام 🛁"
        # What the server added to ann's edit comes with her next sync.
        await ann.sync()
        assert await ann.digests() == await ben.digests()
        status = await ann.get_sync_status()
        assert (status.server_url, status.pending, status.failed) == (hub.url, 0, 0)
        assert status.connection is Connection.ONLINE
        assert status.protocol in {SyncProtocol.V1, SyncProtocol.V2}
        assert status.counts["house"] == 1 and status.total_syncs == 3
        assert (await ann.sync()).synced_entities == 0


async def test_offline_edits_wait_and_are_sent_later(tmp_path: pathlib.Path, hub: Hub) -> None:
    async with client_of(hub, tmp_path / "a.db") as ann:
        await ann.sync()
        hub.kill()
        room = (await ann.get_rooms())[0]
        await ann.update_room(room.id, name="Offline")
        with pytest.raises(OfflineError) as offline:
            await ann.sync()
        assert offline.value.reason
        (edit,) = await ann.pending_changes()
        assert (edit.kind, edit.id, edit.name) == ("room", room.id, "Offline")
        assert (edit.operation, edit.state) == (EditOperation.UPDATE, PendingState.QUEUED)
        assert isinstance((await ann.get_room(room.id)).freshness, Pending)
        hub.start()
        assert (await ann.sync()).pushed == 1
        assert await ann.pending_changes() == []


async def test_a_conflict_is_decided_told_and_can_be_restored(
    tmp_path: pathlib.Path, either_hub: Hub
) -> None:
    hub = either_hub
    async with client_of(hub, tmp_path / "a.db") as ann, client_of(hub, tmp_path / "b.db") as ben:
        await ann.sync()
        await ben.sync()
        device = (await ann.get_devices())[0]
        await ann.update_device(device.id, name="Ann's")
        await ben.update_device(device.id, name="Ben's")
        await ben.sync()
        met = (await ann.sync()).conflicts
        await ben.sync()
        await ann.sync()
        assert len(met) == 1 and met[0].id == device.id
        assert await ann.digests() == await ben.digests()
        loser = ann if met[0].loser is Loser.LOCAL else ben
        other = ben if loser is ann else ann
        lost = (await loser.conflicts())[0]
        assert lost.losing["name"] in {"Ann's", "Ben's"}
        shown = await loser.get_device(device.id)
        assert isinstance(shown.freshness, Superseded)
        assert shown.freshness.conflict_id == lost.conflict_id
        told = await loser.explain("device", device.id)
        assert told.words and lost in told.conflicts
        restored = await loser.restore(lost.conflict_id)
        assert restored["name"] == lost.losing["name"]
        await loser.sync()
        await other.sync()
        assert (await other.get_device(device.id)).name == lost.losing["name"]
        assert [entry.record["name"] for entry in await loser.history("device", device.id)]


async def test_a_delete_wins_over_an_update(tmp_path: pathlib.Path, hub: Hub) -> None:
    async with client_of(hub, tmp_path / "a.db") as ann, client_of(hub, tmp_path / "b.db") as ben:
        await ann.sync()
        await ben.sync()
        device = (await ann.get_devices())[0]
        await ann.delete_device(device.id)
        await ben.update_device(device.id, name="Still needed")
        await ann.sync()
        (conflict,) = (await ben.sync()).conflicts
        assert (conflict.reason, conflict.loser) == ("remote_deleted", Loser.LOCAL)
        assert conflict.losing["name"] == "Still needed"
        await ben.restore(conflict.conflict_id)
        await ben.sync()
        await ann.sync()
        assert (await ann.get_device(device.id)).name == "Still needed"


async def test_a_wrong_token_stops_until_a_right_one_comes(
    tmp_path: pathlib.Path, hub: Hub
) -> None:
    async with BlowingOffClient(tmp_path / "a.db") as ann:
        await ann.connect(hub.url, "wrong")
        with pytest.raises(NeedsAuthError) as refused:
            await ann.sync()
        assert refused.value.status == 401
        with pytest.raises(NeedsAuthError):
            await ann.probe()
        assert (await ann.get_sync_status()).connection is Connection.NEEDS_AUTH
        await ann.set_auth_token(TOKEN)
        session = await ann.auth_session()
        assert session is not None and session.auth_token == TOKEN
        assert TOKEN not in repr(session) and TOKEN not in str(session)
        assert (await ann.sync()).pulled == 30


async def test_a_background_sync_goes_on_with_a_new_token(tmp_path: pathlib.Path, hub: Hub) -> None:
    async with BlowingOffClient(tmp_path / "a.db") as ann:
        await ann.connect(hub.url, "wrong")
        await ann.start_background_sync(interval=3600)
        async for status in ann.watch_status():
            if status.connection is Connection.NEEDS_AUTH:
                assert status.background
                await ann.set_auth_token(TOKEN)
            if status.last_sync_success:
                break
        assert len(await ann.get_houses()) == 1


async def test_a_password_gives_a_token_that_is_renewed(
    tmp_path: pathlib.Path, start_hub: StartHub
) -> None:
    hub = start_hub("--protocol", "v2", "--sample", "30")
    async with BlowingOffClient(tmp_path / "a.db") as ann:
        assert await ann.auth_session() is None
        await ann.connect(hub.url)
        session = await ann.login(PASSWORD)
        assert session.role == "admin" and session.expires_at is not None
        fresh = await ann.refresh_session()
        assert fresh.expires_at is not None and fresh.expires_at >= session.expires_at
        assert session.auth_token not in f"{session} {session!r}"
        assert (await ann.sync()).pulled > 0


async def test_a_hub_dies_and_comes_back_under_a_background_sync(
    tmp_path: pathlib.Path, hub: Hub
) -> None:
    async with client_of(hub, tmp_path / "a.db") as ann, client_of(hub, tmp_path / "b.db") as ben:
        await ann.start_background_sync(interval=timedelta(hours=1))
        await ann.wait_until_synced(60)
        hub.kill()
        room = (await ann.get_rooms())[0]
        await ann.update_room(room.id, name="Meanwhile")
        async for status in ann.watch_status():
            if status.connection is Connection.OFFLINE:
                break
        hub.start()
        ann.network_available()
        await ann.wait_until_synced(timedelta(minutes=1))
        await ann.stop_background_sync()
        await ben.sync()
        assert (await ben.get_room(room.id)).name == "Meanwhile"


async def test_two_clients_share_one_file(tmp_path: pathlib.Path, hub: Hub) -> None:
    path = tmp_path / "shared.db"
    async with client_of(hub, path) as one, client_of(hub, path) as two:
        await asyncio.gather(one.sync(), two.sync())
        assert await one.client_id() == await two.client_id()
        room = (await one.get_rooms())[0]
        stream = two.changes()
        await asyncio.gather(
            *(one.update_room(room.id, name=f"One {n}") for n in range(20)),
            *(two.create_room(str(room.house_id), f"Two {n}") for n in range(20)),
        )
        await one.update_room(room.id, name="The last")
        async for event in stream:
            if event.event_type == "updated" and event.data["name"] == "The last":
                break
        assert (await two.get_room(room.id)).name == "The last"
        assert len(await one.pending_changes()) == len(await two.pending_changes()) == 21
        await two.sync()
        assert await one.pending_changes() == []


async def test_a_pause_during_a_sync_ends_it_and_frees_the_file(tmp_path: pathlib.Path) -> None:
    async with mute() as server, BlowingOffClient(tmp_path / "a.db") as ann:
        await ann.connect(server.url, TOKEN, protocol="v1")
        syncing = asyncio.create_task(ann.sync())
        await server.asked.wait()
        await ann.pause()
        with pytest.raises((CallCancelledError, PausedError)):
            await syncing
        with pytest.raises(PausedError):
            await ann.get_houses()
        assert (await ann.get_sync_status()).paused
        # No connection holds it: what SQLite writes beside an open file is gone.
        assert not (tmp_path / "a.db-wal").exists()
        await ann.resume()
        assert await ann.get_houses() == []


async def test_a_cancelled_sync_lets_go_while_the_hub_holds_the_request(
    tmp_path: pathlib.Path, hub: Hub
) -> None:
    async with mute() as server, BlowingOffClient(tmp_path / "a.db") as ann:
        await ann.connect(server.url, TOKEN, protocol="v1")
        syncing = asyncio.create_task(ann.sync())
        await server.asked.wait()
        assert server.open == 1
        syncing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await syncing
        # The core gave up on it, too, and not only the task.
        await until(lambda: server.open == 0)
        assert not (await ann.get_sync_status()).sync_in_progress
        await ann.connect(hub.url, TOKEN)
        assert (await ann.sync()).pulled == 30


async def test_a_sync_that_another_task_waits_for_is_not_cancelled(
    tmp_path: pathlib.Path, hub: Hub
) -> None:
    async with mute(hub) as server, BlowingOffClient(tmp_path / "a.db") as ann:
        await ann.connect(server.url, TOKEN, protocol="v1")
        one, two = asyncio.create_task(ann.sync()), asyncio.create_task(ann.sync())
        await server.asked.wait()
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        server.release()
        assert (await two).pulled == 30


async def test_a_sync_is_cancelled_for_all_who_wait(tmp_path: pathlib.Path) -> None:
    async with mute() as server, BlowingOffClient(tmp_path / "a.db") as ann:
        await ann.connect(server.url, TOKEN, protocol="v1")
        waiting = [asyncio.create_task(ann.sync()) for _ in range(2)]
        await server.asked.wait()
        ann.cancel_sync()
        for syncing in waiting:
            with pytest.raises(CallCancelledError):
                await syncing
        await until(lambda: server.open == 0)


async def test_waiting_for_a_sync_has_an_end(tmp_path: pathlib.Path) -> None:
    async with mute() as server, BlowingOffClient(tmp_path / "a.db") as ann:
        await ann.connect(server.url, TOKEN, protocol="v1")
        await ann.create_house("Cabin")
        with pytest.raises(SyncTimeoutError) as late:
            await ann.wait_until_synced(0.05)
        assert late.value.pending == 1 and late.value.waited_ms >= 50
        assert isinstance(late.value, TimeoutError)


async def test_time_limits_are_the_callers(tmp_path: pathlib.Path) -> None:
    async with mute() as server, BlowingOffClient(tmp_path / "a.db") as ann:
        await ann.connect(server.url, TOKEN, timeouts=Timeouts(total=timedelta(milliseconds=100)))
        with pytest.raises(OfflineError):
            await ann.probe()


async def test_a_client_that_is_let_go_while_it_syncs_ends(tmp_path: pathlib.Path) -> None:
    async with mute() as server:
        ann = BlowingOffClient(tmp_path / "a.db")
        await ann.connect(server.url, TOKEN, protocol="v1")
        syncing = asyncio.create_task(ann.sync())
        await server.asked.wait()
        syncing.cancel()
        await asyncio.wait([syncing])
        del ann, syncing
        await until(lambda: server.open == 0)
        async with BlowingOffClient(tmp_path / "a.db") as again:
            assert await again.get_houses() == []


async def test_a_shutdown_ends_a_sync_and_what_comes_after(tmp_path: pathlib.Path) -> None:
    async with mute() as server:
        ann = BlowingOffClient(tmp_path / "a.db")
        await ann.connect(server.url, TOKEN, protocol="v1")
        syncing = asyncio.create_task(ann.sync())
        await server.asked.wait()
        await ann.shutdown()
        with pytest.raises(CallCancelledError):
            await syncing
        with pytest.raises(CallCancelledError):
            await ann.get_houses()
        await ann.shutdown()
        unused = BlowingOffClient(tmp_path / "b.db")
        await unused.shutdown()
        with pytest.raises(CallCancelledError):
            await unused.get_houses()
        assert not (tmp_path / "b.db").exists()


async def test_edits_are_discarded_retried_and_dropped(tmp_path: pathlib.Path, hub: Hub) -> None:
    async with client_of(hub, tmp_path / "a.db") as ann:
        await ann.sync()
        room = (await ann.get_rooms())[0]
        await ann.update_room(room.id, name="Never sent")
        with pytest.raises(UnsentEditsError) as unsent:
            await ann.reset()
        assert unsent.value.count == 1
        await ann.discard("room", room.id)
        assert (await ann.get_room(room.id)).name == room.name
        (entry,) = await ann.conflicts()
        assert (entry.reason, entry.losing["name"]) == ("discarded", "Never sent")
        await ann.dismiss(entry.conflict_id)
        assert await ann.conflicts() == []
        assert await ann.retry_failed() == await ann.retry_failed("room", room.id) == 0
        await ann.update_room(room.id, name="Never sent either")
        await ann.reset(force=True)
        assert await ann.get_houses() == []
        await ann.disconnect()
        with pytest.raises(NotConnectedError):
            await ann.sync()
