"""Programs that end: right after an await, with everything still going on, after a fork.

Each runs in an interpreter of its own. A thread of the library that is in Python when
the interpreter ends would abort the process, so the exit code tells.
"""

import asyncio
import pathlib
import re
import signal
import subprocess
import sys
import textwrap

import pytest

from blowing_off import BlowingOffClient
from helpers import until
from hubs import TOKEN, Hub, mute

RUNS = 30
"""Such an abort is a matter of chance: before anything was done about it two of three
runs ended so.
"""

AT_ONCE = """
    async def main():
        client = BlowingOffClient(path)
        await client.create_house("Cabin")
    asyncio.run(main())
"""

EVERYTHING_GOES_ON = """
    async def main():
        client = BlowingOffClient(path, echo=True)
        await client.connect(url, token)
        await client.start_background_sync(interval=1)
        await client.observe_changes(lambda word, data: None)
        async def follow():
            async for devices in client.watch_devices():
                pass
        tasks = [asyncio.create_task(follow()) for _ in range(20)]
        await client.get_devices()
        await client.create_house("Cabin")
        # Nothing is awaited, cancelled or shut down.
    asyncio.run(main())
"""

ECHO_BEFORE_LOGGING_IS_SET_UP = """
    async def main():
        async with BlowingOffClient(path, echo=True) as client:
            await client.create_house("Cabin")
    asyncio.run(main())
    statements = logging.getLogger("blowing_off.sql")
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    os.dup2(1, 2)
    statements.debug("said once")
"""

A_LOOP_THAT_IS_LEFT = """
    loop = asyncio.new_event_loop()
    client = BlowingOffClient(path)
    loop.run_until_complete(client.connect(url, token))
    waiting = [loop.create_task(anext(client.changes())) for _ in range(10)]
    syncing = loop.create_task(client.sync())
    loop.run_until_complete(client.create_house("Cabin"))
    # Tasks are pending, and their loop is neither run again nor closed.
    os.close(2)
"""

AN_ERROR = """
    async def main():
        client = BlowingOffClient(path)
        await client.connect(url, token)
        syncing = asyncio.create_task(client.sync())
        await client.get_houses()
        sys.exit(7)
    asyncio.run(main())
"""

A_FORK = """
    async def main():
        client = BlowingOffClient(path)
        await client.create_house("Cabin")
        stream, query = client.changes(), client.watch_houses()
        await anext(query)
        subscription = await client.observe_changes(lambda word, data: None)
        return client, stream, query, subscription

    async def each(*things):
        # Whatever is tried in the child is refused, opening another client included.
        client, stream, query, subscription = things
        another = BlowingOffClient(path)
        for call in (
            client.get_houses, client.shutdown, client.sync, another.get_houses, another.shutdown,
            lambda: another.__aenter__(), lambda: client.observe_changes(print),
            lambda: anext(stream), lambda: anext(query), lambda: anext(another.changes()),
        ):
            await refused(call)
        for call in (
            client.cancel_sync, client.network_available, client.changes, another.changes,
            another.cancel_sync, lambda: blowing_off.set_log_level(10),
        ):
            await refused(call)
        # A block that is left: by an error, that is what is seen.
        await refused(client.__aexit__, None, None, None)
        assert not await client.__aexit__(SystemExit, SystemExit(), None)
        # What ends listening has nothing to end.
        assert not subscription.active
        async with stream, query:
            subscription.cancel()

    async def refused(call, *arguments):
        try:
            answer = call(*arguments)
            if inspect.isawaitable(answer):
                await answer
        except InvalidError as error:
            assert error.field == "client" and '"spawn"' in str(error) and '"forkserver"' in str(error)
        else:
            os._exit(9)

    things = asyncio.run(main())
    child = os.fork()
    if child == 0:
        asyncio.run(each(*things))
        # Nor is anything freed.
        del things
        gc.collect()
        sys.exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    client = things[0]
    asyncio.run(client.create_house("Hut"))
    seen = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('pragma integrity_check').fetchone())"
    assert subprocess.check_output([sys.executable, "-c", seen, path], text=True) == "ok\\n"
    assert [house.name for house in asyncio.run(client.get_houses())] == ["Cabin", "Hut"]
"""

A_FORK_BEFORE_ANYTHING_IS_OPENED = """
    blowing_off.set_log_level(logging.ERROR)
    client = BlowingOffClient(path)
    async def write(name):
        async with client:
            for n in range(20):
                await client.create_house(f"{name} {n}")
    child = os.fork()
    asyncio.run(write("child" if child == 0 else "parent"))
    if child == 0:
        sys.exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    async def read():
        async with BlowingOffClient(path) as client:
            return {house.name for house in await client.get_houses()}
    assert asyncio.run(read()) == {f"{name} {n}" for name in ("child", "parent") for n in range(20)}
"""


CTRL_C = """
    async def main():
        async with BlowingOffClient(path) as client:
            await client.create_house("Cabin")
            await client.connect(url, token)
            await client.sync()
    asyncio.run(main())
"""

CTRL_C_WITHOUT_A_BLOCK = """
    async def main():
        await client.create_house("Cabin")
        await client.connect(url, token)
        await client.observe_changes(lambda word, data: None)
        await client.start_background_sync(interval=1)
        async for rooms in client.watch_rooms():
            pass
    client = BlowingOffClient(path)
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        # It goes on, in another loop.
        houses = asyncio.run(client.get_houses())
        sys.exit(4 if [house.name for house in houses] == ["Cabin"] else 5)
"""


def command(body: str, path: pathlib.Path, url: str) -> list[str]:
    """What runs a program in an interpreter of its own."""
    head = f"""
    import asyncio, gc, inspect, logging, os, subprocess, sys, warnings
    import blowing_off
    from blowing_off import BlowingOffClient, InvalidError
    # A busy machine makes callbacks slow, which the development mode would tell.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    # Newer Pythons warn of forks, and rightly so.
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork")
    path, url, token = {str(path)!r}, {url!r}, {TOKEN!r}
    """
    program = textwrap.dedent(head) + textwrap.dedent(body)
    return [sys.executable, "-X", "dev", "-W", "error", "-c", program]


def run(body: str, path: pathlib.Path, hub: Hub) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    return subprocess.run(
        command(body, path, hub.url), capture_output=True, text=True, timeout=60
    )


def test_an_echo_is_not_shown_twice(tmp_path: pathlib.Path, hub: Hub) -> None:
    ended = run(ECHO_BEFORE_LOGGING_IS_SET_UP, tmp_path / "a.db", hub)
    assert ended.returncode == 0
    assert "blowing_off.sql" in ended.stderr
    assert ended.stdout.count("said once") == 1


@pytest.mark.parametrize(
    ("body", "code", "runs"),
    [
        pytest.param(AT_ONCE, 0, RUNS, id="right after an await"),
        pytest.param(EVERYTHING_GOES_ON, 0, RUNS, id="with everything going on"),
        pytest.param(A_LOOP_THAT_IS_LEFT, 0, 10, id="with a loop that is left"),
        pytest.param(AN_ERROR, 7, 10, id="by an error"),
        pytest.param(A_FORK, 0, 3, id="after a fork"),
        pytest.param(A_FORK_BEFORE_ANYTHING_IS_OPENED, 0, 3, id="after a fork at its beginning"),
    ],
)
def test_a_program_ends_as_it_wants(
    tmp_path: pathlib.Path, hub: Hub, body: str, code: int, runs: int
) -> None:
    for attempt in range(runs):
        ended = run(body, tmp_path / f"{attempt}.db", hub)
        assert ended.returncode == code, ended.stderr
        # Where statements are echoed, there is more than nothing.
        unwanted = "FATAL|Traceback|Exception|Error|never" if "echo" in body else "."
        assert not re.search(unwanted, ended.stderr), ended.stderr


def heed_interrupts() -> None:
    """What a shell starts in the background ignores them, and so does all that this starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        # As Python ends whom an interrupt ends.
        pytest.param(CTRL_C, -signal.SIGINT, id="of itself"),
        pytest.param(CTRL_C_WITHOUT_A_BLOCK, 4, id="after more calls"),
    ],
)
async def test_an_interrupt_in_the_middle_of_a_sync_ends_it(
    tmp_path: pathlib.Path, body: str, code: int
) -> None:
    for attempt in range(5):
        path = tmp_path / f"{attempt}.db"
        async with mute() as server:
            process = await asyncio.create_subprocess_exec(
                *command(body, path, server.url),
                stderr=asyncio.subprocess.PIPE,
                preexec_fn=heed_interrupts,
            )
            try:
                await server.asked.wait()
                process.send_signal(signal.SIGINT)
                _, said = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
            await until(lambda: server.open == 0)
        lines = said.decode().splitlines()
        assert process.returncode == code, lines
        if code < 0:
            # Who is interrupted is told where, and nothing else.
            assert lines.pop() == "KeyboardInterrupt", lines
            assert lines.pop(0).startswith("Traceback"), lines
        # On its way it cancels the main task, which the traceback shows.
        assert not re.search("FATAL|(?<!Cancelled)Error|Warning|never|ignored", "".join(lines)), lines
        # What was edited is there and waits.
        async with BlowingOffClient(path) as home:
            assert [edit.kind for edit in await home.pending_changes()] == ["house"]
