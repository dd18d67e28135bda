"""The examples of the documents, run as they stand but for the server's port; and the
sample, run as a newcomer would.
"""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import StartHub
from helpers import client_of
from hubs import TOKEN, Hub
from test_seed import run

HERE = pathlib.Path(__file__).parent.parent


def examples() -> list[tuple[str, str]]:
    """The Python examples of this package's README and of the project's."""
    found = []
    for document in (HERE / "README.md", HERE.parent.parent / "README.md"):
        text = document.read_text(encoding="utf-8")
        blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        assert blocks
        name = str(document.parent.name)
        found += [(f"{name} {number}", block) for number, block in enumerate(blocks, 1)]
    return found


@pytest.mark.parametrize("example", [pytest.param(code, id=name) for name, code in examples()])
async def test_examples_run(
    tmp_path: pathlib.Path,
    start_hub: StartHub,
    monkeypatch: pytest.MonkeyPatch,
    example: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    hub = start_hub("--sample", "30")
    head = "" if "import BlowingOffClient" in example else "from blowing_off import BlowingOffClient\n"
    names = await run(head + example.replace("http://localhost:8000", hub.url), {})
    await names["client"].shutdown()


async def test_the_sample_follows_a_house(tmp_path: pathlib.Path, hub: Hub) -> None:
    environment = {**os.environ, "BLOWING_OFF_AUTH_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1"}
    sample_file = str(HERE / "samples" / "follow.py")
    command = [sys.executable, sample_file, hub.url, str(tmp_path / "a.db")]
    sample = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert sample.stdout is not None
        async with client_of(hub, tmp_path / "b.db") as other:
            await other.sync()
            device = (await other.get_devices())[0]
            while "online" not in sample.stdout.readline():
                pass
            await other.update_device(device.id, name="Followed 👀")
            await other.sync()
            while "Followed 👀" not in sample.stdout.readline():
                pass
    finally:
        sample.kill()
        sample.wait()
        assert sample.stdout is not None
        sample.stdout.close()
