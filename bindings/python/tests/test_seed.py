"""The Python example that the project was promised with, as it was written down."""

import ast
import asyncio
import inspect
import pathlib
import types
from typing import Any

import pytest

from blowing_off import BlowingOffClient
from conftest import StartHub
from helpers import until

EXAMPLE = pathlib.Path(__file__).with_name("seed_example.txt").read_text(encoding="utf-8")
DEBUG = pathlib.Path(__file__).with_name("seed_debug.txt").read_text(encoding="utf-8")


async def run(program: str, names: dict[str, Any]) -> dict[str, Any]:
    """Runs a program with `await` at its top, as documents and notebooks have it."""
    code = compile(program, "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    function = types.FunctionType(code, names)
    if code.co_flags & inspect.CO_COROUTINE:
        await function()
    else:
        function()
    return names


async def test_the_example_runs_as_it_stands(
    tmp_path: pathlib.Path,
    start_hub: StartHub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "localhost:8000" in EXAMPLE and '"auth-token"' in EXAMPLE
    try:
        hub = start_hub("--sample", "300", port=8000)
        example = EXAMPLE
    except RuntimeError:
        # Somebody else has that port: the only thing that is not as it stands.
        hub = start_hub("--sample", "300")
        example = EXAMPLE.replace("localhost:8000", hub.url.removeprefix("http://"))
    names = await run(example, {})
    client = names["client"]
    assert capsys.readouterr().out == "Synced 300 entities\n"
    assert names["house"].name and names["rooms"] and len(names["devices"]) > 100
    assert (await client.get_device_state("device-123")).state["brightness"] == 80

    # What was started at its end goes on: the edit is pushed, and changes are told.
    await client.wait_until_synced(60)
    await client.update_device_state("device-123", {"brightness": 20})
    told = ""
    while "Change: state_changed" not in told or "sync_completed" not in told:
        await asyncio.sleep(0.005)
        told += capsys.readouterr().out
    assert "'brightness': 20" in told
    await client.wait_until_synced(60)
    async with BlowingOffClient("other.db") as other:
        await other.connect(hub.url, "auth-token")
        await other.sync()
        state = await other.get_device_state("device-123")
        assert (state.state["power"], state.state["brightness"]) == ("on", 20)
    await client.shutdown()


async def test_the_debug_mode_shows_statements(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    names = await run("from blowing_off import BlowingOffClient\n" + DEBUG, {})
    async with names["client"] as client:
        house = await client.create_house("Secret name")
        await client.get_house(house.id)
        await until(lambda: "SELECT" in caplog.text)
    assert (tmp_path / "blowing-off.db").is_file()
    statements = [record for record in caplog.records if record.name == "blowing_off.sql"]
    assert statements and not any("Secret name" in record.getMessage() for record in statements)
