"""The library's messages, as those of `logging.getLogger("blowing_off")`.

A message about syncing is one of the logger `blowing_off.sync`, and so on. Of the
library's own threads one hands them over; `silence` waits until it has left Python.
"""

import logging
import sys
from typing import Any

from . import _forking
from ._bridge import native

logger = logging.getLogger("blowing_off")

_LEVELS = {
    native.LogLevel.ERROR: logging.ERROR,
    native.LogLevel.WARNING: logging.WARNING,
    native.LogLevel.INFO: logging.INFO,
    native.LogLevel.DEBUG: logging.DEBUG,
    native.LogLevel.TRACE: 5,
}

_level: int | None = None
"""What was asked for, if it was."""

_told: int | None = None
"""What the library was told, once it was. That starts its thread, which a forked child would
not have; so it waits until something is opened.
"""


class _Sink(native.LogSink):  # type: ignore[misc]
    """Hands messages over to `logging`."""

    def log(self, record: Any) -> None:
        """Takes a message."""
        # wildthing::sync::engine is blowing_off.sync.engine here.
        name = ".".join(["blowing_off", *record.target.split("::")[1:]])
        told = logging.getLogger(name)
        level = _LEVELS[record.level]
        if not told.isEnabledFor(level):
            return
        try:
            entry = told.makeRecord(name, level, "(library)", 0, record.text, (), None)
            entry.created = record.time.timestamp()
            told.handle(entry)
        except Exception:
            sys.excepthook(*sys.exc_info())


class _Unless(logging.StreamHandler[Any]):
    """Shows on stderr what no other handler does, be it one that was set up later."""

    def emit(self, record: logging.LogRecord) -> None:
        """Shows a message."""
        asked: logging.Logger | None = logging.getLogger("blowing_off.sql")
        while asked is not None:
            if any(handler is not self for handler in asked.handlers):
                return
            asked = asked.parent if asked.propagate else None
        super().emit(record)


def set_log_level(level: int) -> None:
    """Lets the library's messages of `level` (`logging.INFO`, …) and graver through to
    `logging`, for all clients of this process. `logging.WARNING` if this is never called;
    a level above `logging.CRITICAL` lets nothing through.

    What becomes of them is up to `logging`: `logging.basicConfig(level=logging.DEBUG)`
    shows them all.
    """
    global _level
    library = _native_level(level)
    if _forking.in_use():
        _tell(level, library)
    _level = level


def _tell(level: int, library: Any) -> None:
    global _told
    native.set_log_sink(library, _Sink())
    _told = level


def _native_level(level: int) -> Any:
    for told, of_logging in reversed(_LEVELS.items()):
        if level <= of_logging:
            return told
    return native.LogLevel.OFF


def listen(echo: bool) -> None:
    """Called when a client is opened: warnings are told, and with `echo` its statements."""
    level = logging.WARNING if _level is None else _level
    if echo:
        level = min(level, logging.DEBUG)
    if _told != level:
        set_log_level(level)
    if echo:
        statements = logging.getLogger("blowing_off.sql")
        statements.setLevel(logging.DEBUG)
        if not statements.hasHandlers():
            # As with other libraries' echo: it is seen without more ado.
            handler = _Unless()
            handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
            statements.addHandler(handler)


def silence() -> None:
    """Nothing is told any more once this returns."""
    if _told is not None:
        native.set_log_sink(native.LogLevel.OFF, _Sink())


def forget() -> None:
    """In a forked child, which has no thread that would tell anything."""
    global _told
    _told = None
