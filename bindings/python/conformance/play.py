"""Plays one scenario: does what the stage orders, by the package's public API, and says what
came of it.
"""

import asyncio
import gc
import json
import pathlib
from dataclasses import dataclass
from typing import Any

from blowing_off import BlowingOffClient, ChangeStream, WildThingError, events

# The stage, which is the only thing here that is no public API.
from blowing_off._bridge import native

import calls
from render import shown


@dataclass(frozen=True)
class Played:
    """What became of a scenario."""

    transcript: str
    problem: str | None
    """Why it ended early."""

    def text(self) -> str:
        """The transcript as it is written to a file: one that ended early says why."""
        if self.problem is None:
            return self.transcript
        return self.transcript + json.dumps({"failed": self.problem}, separators=(",", ":")) + "\n"


async def play(scenario: pathlib.Path, folder: pathlib.Path) -> Played:
    """Plays a scenario's file, with what it needs in `folder`."""
    stage = None
    try:
        stage = native.ConformanceStage(str(scenario), str(folder))
        player = Player()
        # The stage blocks while it waits, and calls that were begun are to get on meanwhile.
        while (order := await asyncio.to_thread(stage.next_order)) is not None:
            answer = await player.obey(json.loads(order))
            text = json.dumps(answer, ensure_ascii=False, allow_nan=False)
            await asyncio.to_thread(stage.done, text)
        problem = None
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    return Played(stage.transcript() if stage else "", problem)


class Player:
    """The clients that are open, and the calls that were begun."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[BlowingOffClient, ChangeStream]] = {}
        self._started: dict[str, asyncio.Task[Any]] = {}

    async def obey(self, order: dict[str, Any]) -> Any:
        """Does what is ordered, and gives the answer."""
        match order:
            case {"order": "open", "client": client, "path": path, "options": options}:
                return await self._open_client(client, path, options)
            case {"order": "call", "client": client, "call": call, "args": args}:
                return await calls.answer(self._open[client][0], call, args)
            case {"order": "start", "task": task, "client": client, "call": call, "args": args}:
                running = calls.answer(self._open[client][0], call, args)
                self._started[task] = asyncio.create_task(running)
                return {"ok": None}
            case {"order": "join", "task": task}:
                return await self._started.pop(task)
            case {"order": "events", "client": client, "count": count}:
                stream = self._open[client][1]
                return {"ok": [await _event(stream) for _ in range(count)]}
            case {"order": "let_go", "client": client}:
                del self._open[client]
                # What an error's traceback still holds, for one.
                gc.collect()
                return {"ok": None}
        raise ValueError(f"an order of another stage: {order}")

    async def _open_client(self, name: str, path: str, options: dict[str, bool]) -> Any:
        client = BlowingOffClient(path, **options)  # type: ignore[arg-type]
        try:
            await client.__aenter__()
        except WildThingError as error:
            return {"error": shown(error)}
        self._open[name] = client, client.changes()
        return {"ok": None}


async def _event(stream: ChangeStream) -> Any:
    event = await anext(stream)
    if isinstance(event, events.Missed):
        raise RuntimeError(f"{event.count} events were missed")
    return shown(event)
