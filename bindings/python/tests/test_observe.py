"""Hearing of changes: streams, observers and live queries; and that each lets go."""

import asyncio
import contextlib
import gc
import pathlib
from typing import Any, TypeVar

import pytest

from blowing_off import BlowingOffClient, DeviceState, Kind, NotFoundError, Origin, events
from helpers import audience, client_of, until
from hubs import Hub

T = TypeVar("T")


async def test_a_stream_tells_what_is_committed(tmp_path: pathlib.Path, either_hub: Hub) -> None:
    hub = either_hub
    async with client_of(hub, tmp_path / "a.db") as ann, client_of(hub, tmp_path / "b.db") as ben:
        await ann.sync()
        await ben.sync()
        stream = ben.changes()
        device = (await ann.get_devices())[0]
        await ann.update_device_state(device.id, {"power": "on", "n": 2**70})
        await ann.sync()
        await ben.sync()
        told = []
        async for event in stream:
            told.append(event)
            if isinstance(event, events.SyncCompleted):
                break
        assert [event.event_type for event in told][0] == "sync_started"
        (state,) = [event for event in told if isinstance(event, events.StateChanged)]
        assert (state.device_id, state.origin) == (device.id, Origin.REMOTE)
        assert state.state["power"] == "on" and state.state["n"] == 2**70
        (house,) = await ben.get_houses()
        await ben.update_house(house.id, name="Hut")
        match await anext(stream):
            case events.Updated(kind=Kind.HOUSE, id=house.id, origin=Origin.LOCAL, name="Hut"):
                pass
            case other:
                pytest.fail(f"{other}")


async def test_both_ways_of_observing_tell_the_same(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "a.db") as home:
        heard: list[tuple[str, dict[str, Any]]] = []

        async def on_change(event_type: str, data: dict[str, Any]) -> None:
            await asyncio.sleep(0)
            heard.append((event_type, data))

        subscription = await home.observe_changes(on_change)
        stream = home.changes()
        house = await home.create_house("Cabin")
        await home.update_house(house.id, name="Hut")
        await home.delete_house(house.id)
        streamed = [await anext(stream) for _ in range(3)]
        await until(lambda: len(heard) == 3)
        assert heard == [(event.event_type, event.data) for event in streamed]
        assert [word for word, _ in heard] == ["created", "updated", "deleted"]
        assert heard[0][1] == {"kind": "house", "id": house.id, "origin": "local", "name": "Cabin"}
        assert subscription.active
        subscription.cancel()
        assert not subscription.active
        await home.create_house("Unheard")
        assert (await anext(stream)).data["name"] == "Unheard"
        assert len(heard) == 3


async def test_a_plain_function_observes_and_may_cancel_itself(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "a.db") as home:
        heard: list[str] = []

        def on_change(event_type: str, data: dict[str, Any]) -> None:
            heard.append(data["name"])
            subscription.cancel()

        subscription = await home.observe_changes(on_change)
        stream = home.changes()
        await home.create_house("One")
        await home.create_house("Two")
        assert [(await anext(stream)).data["name"] for _ in range(2)] == ["One", "Two"]
        await until(lambda: not subscription.active)
        assert heard == ["One"]


@pytest.mark.parametrize("error", [RuntimeError("no"), asyncio.CancelledError("not me")])
async def test_what_an_observer_raises_is_reported_and_the_next_change_told(
    tmp_path: pathlib.Path, error: BaseException
) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, told: reports.append(told))
    async with BlowingOffClient(tmp_path / "a.db") as home:
        heard: list[str] = []

        async def on_change(event_type: str, data: dict[str, Any]) -> None:
            heard.append(data["name"])
            if len(heard) == 1:
                raise error

        await home.observe_changes(on_change)
        await home.create_house("One")
        await home.create_house("Two")
        await until(lambda: len(heard) == 2)
        assert heard == ["One", "Two"]
        (report,) = reports
        assert report["exception"] is error and "created" in report["message"]


async def test_live_queries_answer_again_when_something_changed(
    tmp_path: pathlib.Path, hub: Hub
) -> None:
    async with client_of(hub, tmp_path / "a.db") as home:
        houses, rooms, devices = home.watch_houses(), home.watch_rooms(), home.watch_devices()
        assert [await anext(query) for query in (houses, rooms, devices)] == [[], [], []]
        await home.sync()
        (house,) = await anext(houses)
        assert (await anext(rooms))[0].house_id == house.id
        device = (await anext(devices))[0]
        assert await anext(home.watch_devices("nowhere")) == []
        assert await anext(home.watch_rooms(house.id))

        states: list[DeviceState] = []
        async with home.watch_device_state(device.id) as query:
            async for state in query:
                states.append(state)
                if len(states) == 2:
                    break
                await home.update_device_state(device.id, {"test": True})
        assert states[1].state == {**states[0].state, "test": True}


async def test_a_query_of_what_is_not_there_says_so_and_goes_on(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "a.db") as home:
        house = await home.create_house("Cabin")
        room = await home.create_room(house.id, "Hall")
        lamp = await home.create_device(room.id, "Lamp")
        query = home.watch_device_state(lamp.id)
        assert (await anext(query)).state == {}
        await home.delete_device(lamp.id)
        with pytest.raises(NotFoundError):
            await anext(query)
        await home.update_house(house.id, name="Hut")
        query.cancel()
        assert [state async for state in query] == []


async def test_listening_may_begin_before_the_client_is_opened(tmp_path: pathlib.Path) -> None:
    home = BlowingOffClient(tmp_path / "a.db")
    stream, query, unused = home.changes(), home.watch_houses(), home.watch_rooms()
    assert await anext(query) == []
    first = asyncio.ensure_future(anext(stream))
    unused.cancel()
    assert [rooms async for rooms in unused] == []
    await asyncio.sleep(0)
    await home.create_house("Cabin")
    assert (await first).data["name"] == "Cabin"
    await home.shutdown()
    assert [event async for event in stream] == []


async def test_who_leaves_is_let_go_by_the_core(tmp_path: pathlib.Path) -> None:
    with audience() as listeners:
        async with BlowingOffClient(tmp_path / "a.db") as home:
            house = await home.create_house("Cabin")

            # A loop that is left.
            async for _ in home.watch_houses():
                await listeners.is_of(1)
                break
            await listeners.is_of(0)

            # A block that is left.
            async with home.changes() as stream, home.watch_status() as status:
                await anext(status)
                await listeners.is_of(2)
            assert [event async for event in stream] == []
            await listeners.is_of(0)

            # aclosing.
            async with contextlib.aclosing(home.changes()), contextlib.aclosing(home.watch_rooms()):
                await listeners.is_of(2)
            await listeners.is_of(0)

            # A task that is cancelled while it waits.
            async def follow() -> None:
                async for _ in home.changes():
                    pass

            tasks = [asyncio.create_task(follow()) for _ in range(50)]
            await listeners.is_of(50)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            del task, tasks
            await listeners.is_of(0)

            # A group of tasks of which one fails.
            async def fail() -> None:
                await listeners.is_of(1)
                raise RuntimeError("the scope ends")

            with pytest.raises(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    group.create_task(follow())
                    group.create_task(fail())
            gc.collect()
            await listeners.is_of(0)

            # What nobody holds.
            home.changes()
            await until(lambda: listeners.most >= 1)
            await listeners.is_of(0)

            # An observer.
            subscription = await home.observe_changes(lambda word, data: None)
            await listeners.is_of(1)
            subscription.cancel()
            await listeners.is_of(0)
            assert listeners.most == 50
            await home.delete_house(house.id)


TURNS = 60
"""More turns of the loop than an answer that nobody has to wait for takes."""


async def taken_or_cancelled(taking: asyncio.Task[T], turns: int) -> list[T]:
    """What a task got, if it was not cancelled before: after so many turns of the loop."""
    for _ in range(turns):
        await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait([taking])
    return [] if taking.cancelled() else [taking.result()]


async def test_a_cancelled_task_takes_no_event_with_it(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "a.db", durability="fast") as home:
        for waits in (True, False):
            stream = home.changes()
            told: list[events.ChangeEvent] = []
            for turns in range(TURNS):
                # The event is there before it is asked for, or comes while the task waits.
                writing = asyncio.create_task(home.create_house(f"{turns}"))
                if waits:
                    await writing
                taking = asyncio.create_task(anext(stream))
                told += await taken_or_cancelled(taking, turns)
                await writing
            while len(told) < TURNS:
                told.append(await anext(stream))
            assert [event.data["name"] for event in told] == [f"{n}" for n in range(TURNS)]


async def test_a_cancelled_task_takes_no_answer_with_it(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "a.db") as home:
        for turns in range(TURNS):
            query = home.watch_houses()
            told = await taken_or_cancelled(asyncio.create_task(anext(query)), turns)
            assert told or await anext(query) == []


async def test_who_never_has_to_wait_lets_others_have_their_turn(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "a.db", durability="fast") as home:
        stream = home.changes()
        turns = 0

        async def take_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        await home.create_house("Cabin")
        others = asyncio.create_task(take_turns())
        await anext(stream)
        assert turns
        others.cancel()


async def test_a_stream_that_falls_behind_is_told_what_it_missed(tmp_path: pathlib.Path) -> None:
    async with BlowingOffClient(tmp_path / "a.db", durability="fast") as home:
        house = await home.create_house("Cabin")
        room = await home.create_room(house.id, "Hall")
        for n in range(8_300):
            await home.log_event("tick", Kind.ROOM, room.id, data=n)
            if n == 0:
                stream = home.changes()
        missed = await anext(stream)
        assert isinstance(missed, events.Missed) and missed.count == 8_299 - 8_192
        assert missed.data == {"count": missed.count}
