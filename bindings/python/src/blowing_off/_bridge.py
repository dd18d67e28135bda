"""The generated module, and the things that are done otherwise than it does them.

- Answers are read by `_codec`, into this package's own records and errors.
- A future is taken off the list of those that a thread of the library will wake only as
  the last act of waking it. So an empty list means that no such thread is in Python any
  more, and the interpreter may end (`_ending` waits for that): a thread that comes back
  to Python after its end would take the process down.
- An answer that is there is taken in the same breath: between asking and taking, a task could
  be cancelled, and what a stream gave would be lost.
- Text that can't be encoded is refused before anything is made of a call's other arguments:
  what was made would never be freed.
- In a forked child that can't use the library (`_forking`), nothing is told to it.

Everything else of this package talks to the library through here.
"""

import asyncio
import ctypes
import re
from collections.abc import Callable
from typing import Any

from . import _codec, _errors, _forking
from ._native import wildthing

native: Any = wildthing
"""The generated module, which has no types to speak of."""

READERS: dict[str, _codec.Reader] = {
    "AuthSession": _codec.SESSION,
    "ChangeBatch": _codec.batch,
    "Conflict": _codec.CONFLICT,
    "Device": _codec.DEVICE,
    "DeviceState": _codec.DEVICE_STATE,
    "Digests": _codec.DIGESTS,
    "Entity": _codec.ENTITY,
    "Event": _codec.EVENT,
    "Explanation": _codec.EXPLANATION,
    "GraphPath": _codec.PATH,
    "HistoryEntry": _codec.HISTORY,
    "House": _codec.HOUSE,
    "Neighbour": _codec.NEIGHBOUR,
    "PendingChange": _codec.PENDING,
    "Relationship": _codec.RELATIONSHIP,
    "Room": _codec.ROOM,
    "Salvaged": _codec.SALVAGED,
    "SearchHit": _codec.HIT,
    "SyncResult": _codec.SYNC_RESULT,
    "SyncStatus": _codec.SYNC_STATUS,
    "User": _codec.USER,
    "WildThingError": _codec.ERROR,
}
"""What reads which of the library's types."""


def _lifting(reader: _codec.Reader) -> Callable[[Any], Any]:
    """Copies the library's buffer, frees it, and reads the copy."""

    def lift(buffer: Any) -> Any:
        try:
            data = ctypes.string_at(buffer.data, buffer.len)
        finally:
            buffer.free()
        return reader(data, 0)[0]

    return lift


def _read_answers() -> None:
    shape = re.compile("_UniffiFfiConverter(Optional)?(Sequence)?Type([A-Za-z]+)")
    for name, converter in list(vars(native).items()):
        found = shape.fullmatch(name)
        if found and found[3] in READERS:
            reader = READERS[found[3]]
            if found[2]:
                reader = _codec.many(reader)
            if found[1]:
                reader = _codec.optional(reader)
            converter.lift = staticmethod(_lifting(reader))
    # Raised where the library panicked.
    native.InternalError = _errors.InternalError


_check_text = native._UniffiFfiConverterString.check_lower


def _encodable(value: Any) -> Any:
    text = _check_text(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        wrong = ascii(text[error.start])
        raise _errors.InvalidError(
            "text", f"the character {wrong} is half of a pair and can't be encoded"
        ) from None
    return text


_waking: dict[int, tuple[asyncio.AbstractEventLoop, asyncio.Future[int]]]
_waking = native._UniffiContinuationHandleMap._map


def _wake(handle: int, code: int) -> None:
    """Called once for each future that was made: on a thread of the library when there is
    a reason to ask again; or by the caller's own, while it asks and the answer is there, or
    while it drops a call that it waited for.
    """
    loop, future = _waking[handle]
    if code == native._UNIFFI_RUST_FUTURE_POLL_READY:
        del _waking[handle]
        native._uniffi_set_future_result(future, code)
        return
    try:
        loop.call_soon_threadsafe(native._uniffi_set_future_result, future, code)
    except RuntimeError:
        # The loop was closed: nobody waits for the future any more.
        pass
    # No call may come after this, not even that of a lock: the interpreter lets other
    # threads run at calls, and may end as soon as the last future is off the list.
    del _waking[handle]


async def _call(
    call: int,
    poll: Callable[..., None],
    complete: Any,
    free: Callable[[int], None],
    lift: Callable[[Any], Any],
    errors: Any,
) -> Any:
    """Awaits a future of the library. Whoever is cancelled meanwhile drops it."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            woken: asyncio.Future[int] = loop.create_future()
            entry = native._UniffiContinuationHandleMap.insert((loop, woken))
            poll(call, native._uniffi_continuation_callback, entry)
            # The answer must be taken before anything is awaited.
            if woken.done():
                break
            await woken
        return lift(native._uniffi_rust_call_with_error(errors, complete, call))
    finally:
        if not _forking.inherited():
            free(call)


def waking() -> int:
    """How many futures the library's threads have still to wake."""
    return len(_waking)


def abandon() -> None:
    """In a forked child, which can't use the library: calls are refused, and the objects
    that it inherited are left as they are. To free them would close the parent's files, with
    the child's idea of their locks.
    """
    _waking.clear()
    native._uniffi_rust_call_with_error = _refuse
    for shape in list(vars(native).values()):
        if isinstance(shape, type) and "__del__" in vars(shape):
            shape.__del__ = _leak  # type: ignore[attr-defined]


def _refuse(*_: Any) -> Any:
    _forking.check()


def _leak(_: Any) -> None:
    pass


_read_answers()
native._uniffi_rust_call_async = _call
native._UniffiFfiConverterString.check_lower = staticmethod(_encodable)
native._uniffi_continuation_callback = native._UNIFFI_RUST_FUTURE_CONTINUATION_CALLBACK(_wake)
