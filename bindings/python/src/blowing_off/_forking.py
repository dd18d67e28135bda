"""Forks: a child of a process that has opened a client can't use the library.

The child has none of the library's threads, and a copy of what SQLite knows of the locks
that the parent holds: it would think them its own, and write over what others committed.
So there every call is refused, and what was inherited is left as it is. What happens to
the library's own objects in a child is up to `_bridge`.
"""

import os

from ._errors import InvalidError

_process: int | None = None
"""The process that opened something."""


def opening() -> None:
    """Called before anything is opened: from here on a fork makes a child that can't."""
    global _process
    check()
    _process = os.getpid()


def in_use() -> bool:
    """Whether anything was ever opened, here or by the process this was forked from."""
    return _process is not None


def inherited() -> bool:
    """Whether this is a child of a process that had opened something."""
    return _process is not None and _process != os.getpid()


def check() -> None:
    """Refuses to go on in such a child."""
    if inherited():
        raise InvalidError(
            "client",
            "a client was opened before this process was forked; start processes with"
            ' "spawn" or "forkserver", or fork before any client is opened',
        )
