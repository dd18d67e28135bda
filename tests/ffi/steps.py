"""What the smoke program does with the library, one story after the other.

A step gets a `House` of `smoke.py`; it asserts what it sees. Which methods it
calls is counted there.
"""

import asyncio
import contextlib
import datetime

# In the order they run.
STEPS = []

# Nothing here takes a second; this long means that it never comes.
PATIENCE = 60


def step(function):
    STEPS.append(function)
    return function


def soon(awaitable):
    return asyncio.wait_for(awaitable, PATIENCE)


async def opened(house, name):
    return await house.wt.WildThingClient.open(str(house.folder / name))


@contextlib.asynccontextmanager
async def client(house, name, connected=True):
    """A client on a database of its own, shut down afterwards."""
    opened_client = await opened(house, name)
    if connected:
        await opened_client.connect(house.hub.url, house.token)
    try:
        yield opened_client
    finally:
        await opened_client.shutdown()


async def refused(awaitable, error):
    """The error that a call raises, which must be of that class."""
    try:
        await awaitable
    except error as raised:
        return raised
    raise AssertionError(f"{error} was not raised")


@step
async def the_module_and_the_library_are_of_one_build(house):
    """The generated module leaves this check out when it is imported."""
    house.wt._uniffi_check_api_checksums(house.wt._UniffiLib)


@step
async def what_the_library_logs_arrives(house):
    wt = house.wt
    records = []

    @house.register.implements
    class Sink(wt.LogSink):
        def log(self, record):
            records.append(record)
            raise RuntimeError("a sink that throws harms nobody")

    wt.set_log_sink(wt.LogLevel.DEBUG, Sink())
    options = wt.OpenOptions(echo=True)
    told = await wt.WildThingClient.open(str(house.folder / "logged.db"), options)
    await told.get_houses()
    await told.shutdown()
    assert any("SELECT" in record.text and record.target == "wildthing::sql" for record in list(records))
    assert all(record.time.tzinfo is not None for record in list(records))
    wt.set_log_sink(wt.LogLevel.WARNING, Sink())


@step
async def a_key_is_used_or_refused_and_never_ignored(house):
    wt = house.wt
    path, key = house.folder / "secret.db", bytes(range(32))
    short = await refused(wt.WildThingClient.open_encrypted(str(path), key[1:]), wt.WildThingError.Invalid)
    assert short.field == "key" and not path.exists()
    try:
        home = await wt.WildThingClient.open_encrypted(str(path), key)
    except wt.WildThingError.Storage as error:
        # A build without encryption, as most are.
        assert error.code == "no_encryption" and not path.exists()
        async with client(house, "plain.db", connected=False) as plain:
            error = await refused(plain.change_key(key), wt.WildThingError.Storage)
            assert error.code == "no_encryption"
        return
    await home.create_house(wt.NewHouse(name="Thornfield"))
    await home.change_key(bytes(32))
    await home.shutdown()
    assert b"Thornfield" not in path.read_bytes() and not path.read_bytes().startswith(b"SQLite")
    for opening, code in [
        (wt.WildThingClient.open_encrypted(str(path), key), "wrong_key"),
        (wt.WildThingClient.open(str(path)), "key_needed"),
    ]:
        assert (await refused(opening, wt.WildThingError.Storage)).code == code
    home = await wt.WildThingClient.open_encrypted(str(path), bytes(32))
    await home.change_key(None)
    await home.shutdown()
    async with client(house, "secret.db", connected=False) as plain:
        assert (await plain.get_house()).name == "Thornfield"


@step
async def a_house_is_built_offline(house):
    wt = house.wt
    async with client(house, "offline.db", connected=False) as home:
        assert home.salvaged() is None
        made = await home.create_house(wt.NewHouse(name="Häuschen 🏡", settings={"big": 2**80, "list": [1, None]}))
        assert made.settings == {"big": 2**80, "list": [1, None]} and made.created_at.tzinfo is not None
        assert (await home.get_house()).name == "Häuschen 🏡"
        assert [h.id for h in await home.get_houses()] == [made.id]
        moved = await home.update_house(made.id, wt.HousePatch(address="1 Main Street", clear=["settings"]))
        assert (moved.address, moved.settings) == ("1 Main Street", None)

        room = await home.create_room(wt.NewRoom(house_id=made.id, name="Hall", floor=1))
        assert (await home.update_room(room.id, wt.RoomPatch(floor=2))).floor == 2
        assert (await home.get_room(room.id)).name == "Hall"
        assert len(await home.get_rooms()) == len(await home.get_rooms(made.id)) == 1

        lamp = await home.create_device(
            wt.NewDevice(room_id=room.id, name="Lamp", device_type=wt.DeviceType.UNKNOWN("lava lamp"))
        )
        assert (await home.get_device(lamp.id)).device_type == wt.DeviceType.UNKNOWN("lava lamp")
        patched = await home.update_device(lamp.id, wt.DevicePatch(device_type=wt.DeviceType.LIGHT()))
        assert patched.device_type.is_LIGHT()
        assert len(await home.get_devices()) == len(await home.get_devices(room.id)) == 1
        await home.update_device_state(lamp.id, {"power": "on", "brightness": 80})
        state = await home.update_device_state(lamp.id, {"brightness": None}, {"by": "smoke"})
        assert (state.state, state.attributes) == ({"power": "on"}, {"by": "smoke"})
        assert (await home.get_device_state(lamp.id)).state == {"power": "on"}
        assert [s.state for s in await home.get_device_history(lamp.id)][-1] == {"power": "on", "brightness": 80}

        user = await home.create_user(wt.NewUser(house_id=made.id, name="Ada", role=wt.UserRole.ADMIN()))
        assert (await home.update_user(user.id, wt.UserPatch(email="ada@example.org"))).email == "ada@example.org"
        assert (await home.get_user(user.id)).role.is_ADMIN() and len(await home.get_users()) == 1

        logged = await home.log_event(
            wt.NewEvent(event_type="seen", entity_type=wt.Kind.DEVICE(), entity_id=lamp.id, data={"n": 1})
        )
        assert [e.id for e in await home.get_events(lamp.id, 5)] == [logged.id]

        told = await home.explain(wt.Kind.DEVICE(), lamp.id)
        assert told.words and told.pending.operation == wt.EditOperation.CREATE and told.freshness.is_PENDING()
        assert await home.history(wt.Kind.DEVICE(), lamp.id)
        assert len(await home.pending_changes()) == 6
        await home.delete_user(user.id)
        await home.delete_device(lamp.id)
        await home.delete_room(room.id)
        await home.delete_house(made.id)
        assert await home.get_houses() == []


@step
async def a_graph_is_built_walked_and_searched_offline(house):
    wt = house.wt
    async with client(house, "graph.db", connected=False) as home:
        unsupported = home.create_entity(wt.NewEntity(entity_type="note", name="Too early"))
        assert "note" in (await refused(unsupported, wt.WildThingError.UnsupportedByServer)).what
        await home.connect("http://127.0.0.1:9", None, wt.ConnectOptions(protocol=wt.SyncProtocol.V2))
        cabin = await home.create_house(wt.NewHouse(name="Cabin"))
        hall = await home.create_room(wt.NewRoom(house_id=cabin.id, name="Hall"))
        lamp = await home.create_device(wt.NewDevice(room_id=hall.id, name="Lamp"))
        note = await home.create_entity(
            wt.NewEntity(entity_type="note", name="How to", content={"text": "Turn the knob", "big": 2**80})
        )
        assert note.content["big"] == 2**80 and note.kind == wt.Kind.OTHER("note") and note.source_type == "manual"
        changed = await home.update_entity(note.id, wt.EntityPatch(content={"big": None, "page": 3}))
        assert changed.content == {"text": "Turn the knob", "page": 3} and changed.version > note.version
        assert await home.get_entity(note.id) == changed
        assert [entity.name for entity in await home.get_entities("device")] == ["Lamp"]
        edge = await home.connect_entities(lamp.id, note.id, "documented_by", {"why": ["new"]})
        assert edge.properties == {"why": ["new"]} and (edge.from_id, edge.to_id) == (lamp.id, note.id)
        of_lamp = await home.get_relationships(wt.RelationshipFilter(from_id=lamp.id))
        assert {it.relationship_type for it in of_lamp} == {"located_in", "documented_by"}
        near = await home.neighbours(lamp.id, direction=wt.EdgeDirection.OUTGOING)
        assert {it.entity.name for it in near} == {"Hall", "How to"}
        path = await home.find_path(note.id, cabin.id)
        assert [entity.name for entity in path.entities] == ["How to", "Lamp", "Hall", "Cabin"]
        assert await home.find_path(note.id, cabin.id, 2) is None
        (hit,) = await home.search("turn kno")
        assert hit.entity.id == note.id and "knob" in hit.snippet and hit.score > 0
        assert await home.search("turn kno", ["device"]) == []
        await home.update_device_state(lamp.id, {"power": "on"})
        assert (await home.get_entity(lamp.id)).content["state"] == {"power": "on"}
        await home.disconnect_entities(edge.id)
        await home.delete_entity(note.id)
        assert await home.find_path(lamp.id, cabin.id) and await home.search("knob") == []


@step
async def errors_are_classes_with_fields(house):
    wt = house.wt
    async with client(house, "errors.db", connected=False) as home:
        missing = await refused(home.get_room("nowhere"), wt.WildThingError.NotFound)
        assert (missing.kind, missing.id) == ("room", "nowhere")
        assert (await refused(home.get_room(""), wt.WildThingError.Invalid)).field == "id"
        nameless = home.create_house(wt.NewHouse(name=" "))
        assert (await refused(nameless, wt.WildThingError.Invalid)).field == "name"
        await refused(home.sync(), wt.WildThingError.NotConnected)
        await refused(home.probe(), wt.WildThingError.NotConnected)
        await refused(home.connect("nonsense"), wt.WildThingError.Invalid)
        await home.connect("http://127.0.0.1:9")
        await refused(soon(home.sync()), wt.WildThingError.Offline)
    (house.folder / "songs.db").write_text("not a database, and long enough not to be empty" * 100)
    refusal = await refused(opened(house, "songs.db"), wt.WildThingError.Storage)
    assert refusal.code == "not_a_database" and "songs.db" in refusal.problem


@step
async def two_clients_meet_at_a_hub(house):
    wt = house.wt
    async with client(house, "ann.db") as ann, client(house, "ben.db") as ben:
        await ann.probe()
        first = await ann.sync()
        assert first.pulled == first.synced_entities == 30 and isinstance(first.duration, datetime.timedelta)
        await ben.sync()
        assert await ann.client_id() != await ben.client_id()
        status = await ann.get_sync_status()
        assert status.pending == 0 and status.counts["house"] == 1 and status.server_url == house.hub.url

        device = (await ann.get_devices())[0]
        await ann.update_device(device.id, wt.DevicePatch(name="Ann's"))
        await ben.update_device(device.id, wt.DevicePatch(name="Ben's"))
        await ben.sync()
        conflict = (await ann.sync()).conflicts[0]
        loser = ann if conflict.loser == wt.Loser.LOCAL else ben
        await ben.sync()
        await ann.sync()
        assert (await ann.digests()) == (await ben.digests())
        lost = (await loser.conflicts())[0]
        shown = await loser.get_device(device.id)
        assert shown.freshness.is_SUPERSEDED() and shown.freshness.conflict_id == lost.conflict_id
        await loser.restore(lost.conflict_id)
        await loser.sync()
        other = ben if loser is ann else ann
        await other.sync()
        assert (await other.get_device(device.id)).name == lost.losing["name"]

        room = (await ann.get_rooms())[0]
        await ann.update_room(room.id, wt.RoomPatch(name="Never sent"))
        await refused(ann.reset(), wt.WildThingError.UnsentEdits)
        await ann.discard(wt.Kind.ROOM(), room.id)
        assert (await ann.get_room(room.id)).name == room.name
        discarded = [conflict for conflict in await ann.conflicts() if conflict.reason == "discarded"]
        await ann.dismiss(discarded[0].conflict_id)
        assert discarded[0] not in await ann.conflicts()
        assert await ann.retry_failed() == 0
        await ann.reset(force=True)
        assert await ann.get_houses() == []


@step
async def a_password_is_changed_for_a_token(house):
    wt = house.wt
    hub = house.another_hub("v2", BLOWING_OFF_ADMIN_PASSWORD="smoke-password")
    hub.start("--protocol", "v2")
    async with client(house, "signed-in.db", connected=False) as home:
        try:
            assert home.auth_session() is None
            await home.connect(hub.url)
            await refused(home.login("wrong"), wt.WildThingError.WrongPassword)
            session = await home.login("smoke-password")
            assert session.role.is_ADMIN() and session.expires_at.tzinfo is not None
            assert home.auth_session() == session
            assert session.auth_token not in f"{session} {session!r}"
            fresh = await home.refresh_session()
            assert fresh.expires_at >= session.expires_at
            assert (await refused(home.login_guest("{}"), wt.WildThingError.Invalid)).field == "qr_data"
            for _ in range(5):
                await refused(home.login("wrong"), wt.WildThingError.WrongPassword)
            limited = await refused(home.login("smoke-password"), wt.WildThingError.RateLimited)
            assert isinstance(limited.retry_after, datetime.timedelta)
        finally:
            hub.stop()


@step
async def a_client_pauses_and_stops(house):
    wt = house.wt
    async with client(house, "pausing.db") as home:
        await home.sync()
        await home.pause()
        await refused(home.get_houses(), wt.WildThingError.Paused)
        await home.resume()
        assert await home.get_houses()
        home.cancel_sync()
        await home.start_background_sync(datetime.timedelta(seconds=30))
        home.network_available()
        await home.stop_background_sync()
        home.set_auth_token("wrong")
        assert (await refused(home.sync(), wt.WildThingError.NeedsAuth)).status == 401
        home.set_auth_token(house.token)
        await home.sync()
        await home.disconnect()
        await refused(home.sync(), wt.WildThingError.NotConnected)
    await refused(home.get_houses(), wt.WildThingError.Cancelled)


@step
async def changes_are_heard_by_stream_and_observer(house):
    wt = house.wt
    async with client(house, "heard.db", connected=False) as home:
        loop = asyncio.get_running_loop()
        heard, thrown, called_back = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()

        @house.register.implements
        class Hearing(wt.ChangeObserver):
            def on_changes(self, batch):
                loop.call_soon_threadsafe(heard.put_nowait, batch)

        class Throwing(wt.ChangeObserver):
            def on_changes(self, batch):
                loop.call_soon_threadsafe(thrown.put_nowait, batch)
                raise RuntimeError("an observer that throws harms nobody")

        class CallingBack(wt.ChangeObserver):
            def on_changes(self, batch):
                subscription.cancel()
                loop.call_soon_threadsafe(called_back.put_nowait, home.salvaged())

        stream = home.changes()
        hearing = home.observe_changes(Hearing())
        throwing = home.observe_changes(Throwing())
        subscription = home.observe_changes(CallingBack())
        made = await home.create_house(wt.NewHouse(name="Cabin"))
        batches = [await soon(stream.next()), await soon(heard.get()), await soon(thrown.get())]
        for batch in batches:
            (event,) = batch.events
            assert event.is_CREATED() and event.event_type() == "created" and batch.missed == 0
            assert (event.kind, event.id, event.name) == (wt.Kind.HOUSE(), made.id, "Cabin")
            assert event.origin == wt.Origin.LOCAL
        await soon(called_back.get())
        assert not subscription.is_active() and hearing.is_active()
        await home.update_house(made.id, wt.HousePatch(name="Hut"))
        # It threw before, and is called all the same.
        assert (await soon(thrown.get())).events[0].is_UPDATED() and called_back.empty()
        throwing.cancel()
        hearing.cancel()
        waiting = asyncio.ensure_future(stream.next())
        assert (await soon(waiting)).events[0].name == "Hut"
        waiting = asyncio.ensure_future(stream.next())
        stream.cancel()
        assert await soon(waiting) is None


@step
async def live_queries_answer_again_when_something_changed(house):
    wt = house.wt
    async with client(house, "live.db") as home:
        houses, rooms, devices, status = (
            home.watch_houses(),
            home.watch_rooms(),
            home.watch_devices(),
            home.watch_status(),
        )
        for query in (houses, rooms, devices):
            assert await soon(query.next()) == []
        assert (await soon(status.next())).connection == wt.Connection.UNKNOWN
        await home.wait_until_synced(datetime.timedelta(seconds=PATIENCE))
        assert len(await soon(houses.next())) == 1 and await soon(rooms.next()) and await soon(devices.next())
        while (await soon(status.next())).connection != wt.Connection.ONLINE:
            pass
        device = (await home.get_devices())[0]
        state = home.watch_device_state(device.id)
        before = await soon(state.next())
        await home.update_device_state(device.id, {"smoke": True})
        after = await soon(state.next())
        assert after.state["smoke"] and "smoke" not in before.state
        for query in (houses, rooms, devices, status, state):
            query.cancel()
            assert await soon(query.next()) is None
