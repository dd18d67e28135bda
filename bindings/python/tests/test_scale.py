"""Many of everything: devices, calls at a time, tasks, clients."""

import asyncio
import pathlib
from concurrent.futures import ThreadPoolExecutor

from blowing_off import BlowingOffClient, ChangeStream, events
from conftest import PATIENCE
from helpers import audience, client_of
from hubs import Hub


async def test_a_thousand_devices_come_and_go(tmp_path: pathlib.Path, hub: Hub) -> None:
    async with client_of(hub, tmp_path / "a.db") as ann, client_of(hub, tmp_path / "b.db") as ben:
        house = await ann.create_house("Hotel 🏨")
        room = await ann.create_room(house.id, "Store")
        names = [f"Lamp {n} 💡" for n in range(1_000)]
        made = await asyncio.gather(
            *(ann.create_device(room.id, name, "light", configuration={"n": name}) for name in names)
        )
        assert len({device.id for device in made}) == 1_000
        assert (await ann.sync()).pushed == 1_002
        await ben.sync()
        devices = await ben.get_devices(room.id)
        assert sorted(device.name for device in devices) == sorted(names)
        assert all(device.configuration == {"n": device.name} for device in devices)
        assert await ann.digests() == await ben.digests()
        await ben.delete_room(room.id)
        await ben.sync()
        await ann.sync()
        assert await ann.get_devices(room.id) == []


async def test_a_hundred_calls_at_a_time(tmp_path: pathlib.Path, hub: Hub) -> None:
    # Not opened before: one of the calls opens it, once.
    home = BlowingOffClient(tmp_path / "a.db")
    await asyncio.gather(*(home.connect(hub.url, "auth-token") for _ in range(100)))
    results = await asyncio.gather(*(home.sync() for _ in range(100)))
    assert max(result.pulled for result in results) == 30
    device = (await home.get_devices())[0]
    await asyncio.gather(
        *(home.update_device_state(device.id, {f"key {n}": n}) for n in range(50)),
        *(home.get_devices() for _ in range(25)),
        *(home.get_sync_status() for _ in range(25)),
    )
    state = (await home.get_device_state(device.id)).state
    assert all(state[f"key {n}"] == n for n in range(50))
    await home.shutdown()


async def test_a_thousand_tasks_finish_or_are_cancelled(tmp_path: pathlib.Path) -> None:
    with audience() as listeners:
        async with BlowingOffClient(tmp_path / "a.db") as home:
            house = await home.create_house("Cabin")

            async def one(n: int) -> str:
                if n % 2:
                    await home.update_house(house.id, settings={"n": n})
                query = home.watch_houses()
                (seen,) = await anext(query)
                return seen.id

            assert set(await asyncio.gather(*(one(n) for n in range(1_000)))) == {house.id}
            await listeners.is_of(0)

            tasks = [asyncio.create_task(one(n)) for n in range(1_000)]
            await asyncio.sleep(0)
            for task in tasks[::3]:
                task.cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            cancelled = [it for it in answers if isinstance(it, asyncio.CancelledError)]
            assert len(cancelled) == len(tasks[::3])
            assert set(answers) - set(cancelled) == {house.id}
            del tasks, answers, cancelled
            await listeners.is_of(0)
            assert listeners.most > 1


def test_a_client_serves_one_loop_after_another(tmp_path: pathlib.Path) -> None:
    home = BlowingOffClient(tmp_path / "a.db")
    house = asyncio.run(home.create_house("Cabin"))
    for _ in range(10):
        assert asyncio.run(home.get_houses()) == [house]
    asyncio.run(home.shutdown())


def test_what_goes_on_goes_on_in_the_next_loop(tmp_path: pathlib.Path, hub: Hub) -> None:
    home = BlowingOffClient(tmp_path / "a.db")

    async def begin() -> ChangeStream:
        async with asyncio.timeout(PATIENCE):
            # Opens it: from then on streams begin at once.
            assert await home.get_houses() == []
            stream = home.changes()
            await home.create_house("Cabin")
            assert isinstance(await anext(stream), events.Created)
            await home.connect(hub.url, "auth-token")
            await home.start_background_sync(interval=1)
            return stream

    async def go_on(stream: ChangeStream) -> None:
        async with asyncio.timeout(PATIENCE):
            async for event in stream:
                if isinstance(event, events.SyncCompleted):
                    break
            await home.create_house("Hut")
            await home.wait_until_synced(PATIENCE)
            assert await home.pending_changes() == []
            await home.shutdown()

    asyncio.run(go_on(asyncio.run(begin())))


def test_a_thread_has_a_client_and_a_loop_of_its_own(tmp_path: pathlib.Path, hub: Hub) -> None:
    async def work(name: str) -> list[str]:
        async with asyncio.timeout(PATIENCE), client_of(hub, tmp_path / f"{name}.db") as home:
            await home.sync()
            await home.create_house(name)
            await home.sync()
            return [house.name for house in await home.get_houses()]

    with ThreadPoolExecutor() as threads:
        names = ["Ann", "Ben", "Cem"]
        for name, seen in zip(names, threads.map(lambda it: asyncio.run(work(it)), names), strict=True):
            assert name in seen and len(seen) > 1


async def test_loops_of_several_threads_share_a_client(tmp_path: pathlib.Path) -> None:
    # Not opened before: all begin at the same time.
    home = BlowingOffClient(tmp_path / "a.db")

    async def work(name: str) -> None:
        await asyncio.gather(*(home.create_house(f"{name} {n}") for n in range(20)))

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, work(f"T{n}")) for n in range(4)))
    assert len(await home.get_houses()) == 80
    await home.shutdown()
    # Nobody's is left open.
    assert not (tmp_path / "a.db-wal").exists()
