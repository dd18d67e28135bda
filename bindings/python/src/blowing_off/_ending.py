"""The end of the interpreter.

A thread of the library that is in Python, or about to be, when the interpreter ends
takes the process down with it ("FATAL: exception not rethrown"). So before the end all
clients are shut down, the log falls silent, and whatever was being woken is waited for.
A forked child of a process that opened something has nothing to end (`_forking`).
"""

import asyncio
import atexit
import os
import time
import weakref
from typing import Any

from . import _bridge, _forking, _log

PATIENCE = 5.0
"""Seconds that the end may take. Clients shut down in milliseconds; nothing is lost if
they don't, since every write was safe before its call returned.
"""

_open: "weakref.WeakSet[Any]" = weakref.WeakSet()


def opened(core: Any) -> None:
    """Makes sure that a client is shut down at the end, if it is still there then."""
    _open.add(core)


async def _shut_down() -> None:
    cores = list(_open)
    if cores:
        await asyncio.wait([asyncio.ensure_future(core.shutdown()) for core in cores], timeout=PATIENCE)


def _at_exit() -> None:
    deadline = time.monotonic() + PATIENCE
    if _open:
        asyncio.run(_shut_down())
    _log.silence()
    while _bridge.waking() and time.monotonic() < deadline:
        time.sleep(0.0005)


def _in_child() -> None:
    if _forking.inherited():
        _open.clear()
        _bridge.abandon()
        _log.forget()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
