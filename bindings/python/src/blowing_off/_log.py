"""The library's messages, as those of `logging.getLogger("blowing_off")`.

A message about syncing is one of the logger `blowing_off.sync`, and so on. Of the
library's own threads one hands them over; `silence` waits until it has left Python.
"""

import logging
import sys
from typing import Any

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


def set_log_level(level: int) -> None:
    """Lets the library's messages of `level` (`logging.INFO`, …) and graver through to
    `logging`, for all clients of this process. `logging.WARNING` if this is never called;
    a level above `logging.CRITICAL` lets nothing through.

    What becomes of them is up to `logging`: `logging.basicConfig(level=logging.DEBUG)`
    shows them all.
    """
    global _level
    _level = level
    native.set_log_sink(_native_level(level), _Sink())


def _native_level(level: int) -> Any:
    for told, of_logging in reversed(_LEVELS.items()):
        if level <= of_logging:
            return told
    return native.LogLevel.OFF


def listen(echo: bool) -> None:
    """Called when a client is opened: warnings are told, and with `echo` its statements."""
    if _level is None:
        set_log_level(logging.WARNING)
    if echo:
        if _level is None or _level > logging.DEBUG:
            set_log_level(logging.DEBUG)
        statements = logging.getLogger("blowing_off.sql")
        statements.setLevel(logging.DEBUG)
        if not statements.hasHandlers():
            # As with other libraries' echo: it is seen without more ado.
            handler = logging.StreamHandler()
            handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
            statements.addHandler(handler)


def silence() -> None:
    """Nothing is told any more once this returns."""
    if _level is not None:
        native.set_log_sink(native.LogLevel.OFF, _Sink())


def forget() -> None:
    """In a forked child, which has no thread that would tell anything."""
    global _level
    _level = None
