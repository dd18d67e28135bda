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
    """A server that takes every request and never answers."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = asyncio.Event()
        self.open = 0

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while await reader.read(1024):
                self.asked.set()
        finally:
            self.open -= 1
            writer.close()


@contextlib.asynccontextmanager
async def mute() -> AsyncIterator[Mute]:
    """A mute server for as long as the block takes."""
    told = Mute()
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
