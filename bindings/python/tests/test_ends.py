"""Programs that end: right after an await, with everything still going on, after a fork.

Each runs in an interpreter of its own. A thread of the library that is in Python when
the interpreter ends would abort the process, so the exit code tells.
"""

import pathlib
import re
import subprocess
import sys
import textwrap

import pytest

from hubs import TOKEN, Hub

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
        return client
    client = asyncio.run(main())
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(client.get_houses())
        except InvalidError as error:
            assert error.field == "client"
        else:
            os._exit(9)
        # One of its own works.
        async def own():
            async with BlowingOffClient(path) as mine:
                assert len(await mine.get_houses()) == 1
        asyncio.run(own())
        sys.exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    assert len(asyncio.run(client.get_houses())) == 1
"""


def run(body: str, path: pathlib.Path, hub: Hub) -> subprocess.CompletedProcess[str]:
    """Runs a program in an interpreter of its own."""
    head = f"""
    import asyncio, os, sys
    from blowing_off import BlowingOffClient, InvalidError
    path, url, token = {str(path)!r}, {hub.url!r}, {TOKEN!r}
    """
    program = textwrap.dedent(head) + textwrap.dedent(body)
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("body", "code", "runs"),
    [
        pytest.param(AT_ONCE, 0, RUNS, id="right after an await"),
        pytest.param(EVERYTHING_GOES_ON, 0, RUNS, id="with everything going on"),
        pytest.param(A_LOOP_THAT_IS_LEFT, 0, 10, id="with a loop that is left"),
        pytest.param(AN_ERROR, 7, 10, id="by an error"),
        pytest.param(A_FORK, 0, 3, id="after a fork"),
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
