"""Real servers to test against: `blowing-off serve`, and one that never answers."""

import asyncio
import contextlib
import os
import pathlib
import socket
import subprocess
from collections.abc import AsyncIterator
from typing import Any

TOKEN = "auth-token"
"""The token of every hub of protocol v1."""
PASSWORD = "open sesame"
"""The password of every hub of protocol v2, which takes the token, too."""


def program() -> pathlib.Path:
    """The command, which `cargo xtask python` builds and names."""
    named = os.environ.get("BLOWING_OFF")
    if not named:
        raise RuntimeError("BLOWING_OFF must name the blowing-off program; run `cargo xtask python`")
    return pathlib.Path(named)


class Hub:
    """A server process, that can be killed and started again at the same address."""

    def __init__(self, folder: pathlib.Path, *options: str, port: int = 0) -> None:
        self.db = folder / "hub.db"
        self.url = f"http://127.0.0.1:{port}"
        self._options = options
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts it; the address stays what it was the first time."""
        address = self.url.removeprefix("http://")
        options = ["--listen", address, "--auth-token", TOKEN, *self._options]
        self._process = subprocess.Popen(
            [program(), "serve", "--db", self.db, *options],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "BLOWING_OFF_ADMIN_PASSWORD": PASSWORD},
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            self.kill()
            raise RuntimeError(f"the hub did not start: {line!r}")
        self.url = line.removeprefix("listening on ").strip()

    def kill(self) -> None:
        """Kills it, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


class Mute:
    """A server that takes every request and does not answer; unless a hub is behind it, and
    it is released.
    """

    def __init__(self, hub: Hub | None = None) -> None:
        self.url = ""
        self.asked = asyncio.Event()
        self.open = 0
        self._hub = hub
        self._released = asyncio.Event()

    def release(self) -> None:
        """Hands every request over to the hub, those that wait and those to come."""
        assert self._hub is not None
        self._released.set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        behind: asyncio.StreamWriter | None = None
        answering: asyncio.Task[None] | None = None
        held = b""
        released = asyncio.create_task(self._released.wait())
        reading = asyncio.create_task(reader.read(65_536))
        try:
            while True:
                await asyncio.wait(
                    [reading] if behind else [reading, released],
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if reading.done():
                    if not (data := reading.result()):
                        break
                    held += data
                    self.asked.set()
                    reading = asyncio.create_task(reader.read(65_536))
                if released.done():
                    if behind is None:
                        answers, behind = await self._reach_hub()
                        answering = asyncio.create_task(_pass_on(answers, writer))
                    behind.write(held)
                    held = b""
        finally:
            self.open -= 1
            for task in (released, reading, answering):
                if task is not None:
                    task.cancel()
            for end in (behind, writer):
                if end is not None:
                    end.close()

    async def _reach_hub(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert self._hub is not None
        host, port = self._hub.url.removeprefix("http://").split(":")
        return await asyncio.open_connection(host, int(port))


async def _pass_on(answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await answers.read(65_536):
        writer.write(data)
    writer.close()


@contextlib.asynccontextmanager
async def mute(hub: Hub | None = None) -> AsyncIterator[Mute]:
    """A mute server for as long as the block takes."""
    told = Mute(hub)
    server = await asyncio.start_server(told._take, "127.0.0.1", 0)
    told.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield told
    finally:
        server.close()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: Any = listening.getsockname()[1]
        return int(port)
