"""Reads the library's answers: bytes in UniFFI's format become records and errors.

A reader takes the bytes and a position, and gives a value and the position behind it.
The tables at the end say what each type consists of, in the order it is sent.

The generated module can read too, but a field costs it several microseconds, and what
comes out are its own classes, not those of this package.

Two things make long lists cheap. A record's reader is one function, written by `record` as
`dataclasses` writes an `__init__`: calls cost more than what they do here. And times, which
cost most to make, are kept for those who read the same records again, as live queries do.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from struct import Struct
from typing import Any

from . import _errors, _graph, _house, _standing, _words, events

Reader = Callable[[bytes, int], tuple[Any, int]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_decode = json.JSONDecoder().raw_decode
_length = Struct(">i").unpack_from
_moment = Struct(">qI").unpack_from
_span = Struct(">QI").unpack_from


def number(code: str) -> Reader:
    """A number, by its letter in `struct`."""
    shape = Struct(">" + code)
    unpack, size = shape.unpack_from, shape.size
    return lambda data, at: (unpack(data, at)[0], at + size)


def flag(data: bytes, at: int) -> tuple[bool, int]:
    """Yes or no."""
    return data[at] != 0, at + 1


def text(data: bytes, at: int) -> tuple[str, int]:
    """A text."""
    start = at + 4
    end = start + _length(data, at)[0]
    return data[start:end].decode(), end


def parsed(data: bytes, at: int) -> tuple[Any, int]:
    """A JSON value."""
    start = at + 4
    end = start + _length(data, at)[0]
    # The library's JSON has no spaces around it, which is most of what `loads` looks for.
    return _decode(data[start:end].decode())[0], end


@lru_cache(maxsize=8192)
def _time(data: bytes) -> datetime:
    """A point in time, of its 12 bytes. What `datetime` can't say is its first or last moment."""
    seconds, nanos = _moment(data)
    # Before 1970 both parts count backwards.
    micros = nanos // 1000 if seconds >= 0 else -(nanos // 1000)
    try:
        return _EPOCH + timedelta(0, seconds, micros)
    except OverflowError:
        ends = datetime.max if seconds > 0 else datetime.min
        return ends.replace(tzinfo=UTC)


def moment(data: bytes, at: int) -> tuple[datetime, int]:
    """A point in time, in UTC."""
    return _time(data[at : at + 12]), at + 12


def span(data: bytes, at: int) -> tuple[timedelta, int]:
    """A length of time."""
    seconds, nanos = _span(data, at)
    return timedelta(0, seconds, nanos // 1000), at + 12


def optional(inner: Reader) -> Reader:
    """A value or `None`."""
    return lambda data, at: inner(data, at + 1) if data[at] else (None, at + 1)


def many(inner: Reader) -> Reader:
    """A list."""

    def read(data: bytes, at: int) -> tuple[list[Any], int]:
        count = _length(data, at)[0]
        at += 4
        items = []
        for _ in range(count):
            item, at = inner(data, at)
            items.append(item)
        return items, at

    return read


def mapping(inner: Reader) -> Reader:
    """A dictionary with texts as keys."""

    def read(data: bytes, at: int) -> tuple[dict[str, Any], int]:
        count = _length(data, at)[0]
        at += 4
        items = {}
        for _ in range(count):
            key, at = text(data, at)
            items[key], at = inner(data, at)
        return items, at

    return read


def word(kind: type[Enum], known_only: bool = True) -> Reader:
    """A word of an enum; one that is not among them is sent as text."""
    words = list(kind)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        index = _length(data, at)[0] - 1
        if index < len(words) or known_only:
            return words[index], at + 4
        return text(data, at + 4)

    return read


maybe_text, maybe_parsed, maybe_moment = optional(text), optional(parsed), optional(moment)

_TEXT = """
    end = at + 4 + length(data, at)[0]
    {name} = data[at + 4 : end].decode()
    at = end"""
_PARSED = """
    end = at + 4 + length(data, at)[0]
    {name} = decode(data[at + 4 : end].decode())[0]
    at = end"""
_MOMENT = """
    {name} = time(data[at : at + 12])
    at += 12"""


def _maybe(lines: str) -> str:
    present = lines.replace("\n", "\n    ")
    return f"""
    at += 1
    if data[at - 1]:{present}
    else:
        {{name}} = None"""


_INLINE = {
    flag: "\n    {name} = data[at] != 0\n    at += 1",
    text: _TEXT,
    parsed: _PARSED,
    moment: _MOMENT,
    maybe_text: _maybe(_TEXT),
    maybe_parsed: _maybe(_PARSED),
    maybe_moment: _maybe(_MOMENT),
}
"""What records have most of, as lines of `record`."""


def record(cls: type, *readers: Reader) -> Reader:
    """A dataclass, made without its `__init__`: the fields are what was read."""
    names = [field.name for field in fields(cls)]
    scope: dict[str, Any] = {"length": _length, "decode": _decode, "time": _time, "cls": cls}
    scope |= {"new": object.__new__, "put": object.__setattr__}
    lines = []
    for number, (name, reader) in enumerate(zip(names, readers, strict=True)):
        scope[f"read{number}"] = reader
        inline = _INLINE.get(reader, f"\n    {{name}}, at = read{number}(data, at)")
        lines.append(inline.format(name=f"value{number}"))
    values = ", ".join(f"{name!r}: value{number}" for number, name in enumerate(names))
    # What is run has no text in it but the names of fields and the lines above.
    exec(
        f"""
def read(data, at):{"".join(lines)}
    made = new(cls)
    put(made, "__dict__", {{{values}}})
    return made, at""",
        scope,
    )
    read: Reader = scope["read"]
    return read


def raised(cls: type[Exception], *readers: Reader) -> Reader:
    """An error, made with what was read."""

    def read(data: bytes, at: int) -> tuple[Exception, int]:
        values = []
        for reader in readers:
            value, at = reader(data, at)
            values.append(value)
        return cls(*values), at

    return read


def one_of(readers: Iterable[Reader]) -> Reader:
    """A value of several types, whose number goes ahead."""
    choices = tuple(readers)
    return lambda data, at: choices[_length(data, at)[0] - 1](data, at + 4)


u16, u64, i64, f64 = (number(code) for code in "HQqd")
KIND = word(_words.Kind, known_only=False)
ROLE = word(_words.UserRole, known_only=False)
DEVICE_TYPE = word(_words.DeviceType, known_only=False)
STATUS = word(_words.RecordStatus)
ORIGIN = word(_words.Origin)
LOSER = word(_words.Loser)
CONNECTION = word(_words.Connection)
PROTOCOL = word(_words.SyncProtocol)
OPERATION = word(_words.EditOperation)
PENDING_STATE = word(_words.PendingState)
DIRECTION = word(_words.EdgeDirection)
maybe_f64 = optional(f64)

FRESHNESS = one_of(
    [
        record(_house.Synced, maybe_moment),
        record(_house.Pending, maybe_moment, flag),
        record(_house.Failed, maybe_moment, text),
        record(_house.Superseded, maybe_moment, i64, text),
    ]
)
# What records of a house end with.
_times = (maybe_moment, maybe_moment, text, STATUS, FRESHNESS, parsed)

HOUSE = record(
    _house.House, text, text, maybe_text, maybe_f64, maybe_f64, maybe_text, maybe_parsed, *_times
)
ROOM = record(
    _house.Room,
    *(text, maybe_text, flag, text, optional(i64), maybe_text, maybe_f64, maybe_f64, maybe_parsed),
    *_times,
)
USER = record(
    _house.User, text, maybe_text, flag, text, maybe_text, optional(ROLE), maybe_parsed, *_times
)
DEVICE = record(
    _house.Device,
    *(text, maybe_text, flag, text, DEVICE_TYPE, maybe_text, maybe_text),
    *(maybe_parsed, maybe_parsed, maybe_text, maybe_text, parsed),
    *_times,
)
DEVICE_STATE = record(_house.DeviceState, text, parsed, parsed, maybe_moment, STATUS)
EVENT = record(
    _house.Event,
    *(text, text, KIND, maybe_text, maybe_text, maybe_parsed, maybe_text, maybe_text),
    *_times,
)

ENTITY = record(
    _graph.Entity,
    *(text, text, KIND, text, parsed, maybe_text, maybe_text, maybe_text, text),
    *(maybe_moment, STATUS, FRESHNESS, parsed),
)
RELATIONSHIP = record(
    _graph.Relationship,
    *(text, maybe_text, maybe_text, text, parsed, maybe_text, maybe_text),
    *(maybe_moment, STATUS, FRESHNESS, parsed),
)
NEIGHBOUR = record(_graph.Neighbour, ENTITY, RELATIONSHIP, DIRECTION)
PATH = record(_graph.GraphPath, many(ENTITY), many(RELATIONSHIP))
HIT = record(_graph.SearchHit, ENTITY, f64, text)

CONFLICT = record(
    _standing.Conflict,
    *(i64, KIND, text, text, LOSER, parsed, maybe_parsed),
    *(maybe_moment, maybe_moment, moment),
)
PENDING = record(
    _standing.PendingChange,
    *(KIND, text, maybe_text, OPERATION, PENDING_STATE, u64, maybe_text, maybe_moment),
)
HISTORY = record(_standing.HistoryEntry, parsed, maybe_moment, moment)
EXPLANATION = record(
    _standing.Explanation,
    *(many(text), FRESHNESS, parsed, optional(PENDING), maybe_parsed, many(CONFLICT), many(HISTORY)),
)
DIGESTS = record(_standing.Digests, text, text)
SALVAGED = record(_standing.Salvaged, text, u64)
SESSION = record(_standing.AuthSession, optional(ROLE), maybe_moment, text)
PROBLEM = record(_standing.SyncProblem, KIND, maybe_text, text, text)
SYNC_RESULT = record(
    _standing.SyncResult, u64, u64, u64, many(CONFLICT), u64, many(PROBLEM), span
)
SYNC_STATUS = record(
    _standing.SyncStatus,
    *(maybe_text, text, PROTOCOL, maybe_moment, maybe_moment, maybe_text, u64, u64, u64, flag),
    *(maybe_moment, u64, u64, u64, optional(flag), maybe_moment, mapping(u64), CONNECTION, flag, flag),
)

CHANGE = one_of(
    [
        record(events.Created, KIND, text, ORIGIN, maybe_text),
        record(events.Updated, KIND, text, ORIGIN, maybe_text),
        record(events.Deleted, KIND, text, ORIGIN),
        record(events.StateChanged, maybe_text, text, ORIGIN, parsed),
        record(events.Conflict, KIND, text, i64, text, LOSER),
        record(events.SyncStarted),
        record(events.SyncProgress, u64, optional(u64)),
        record(events.SyncCompleted, u64, u64, u64, u64),
        record(events.SyncFailed, text, text),
        record(events.ConnectionChanged, CONNECTION),
        record(events.NeedsAuth, u16),
    ]
)


def batch(data: bytes, at: int) -> tuple[list[events.ChangeEvent], int]:
    """The events of a commit, with what was missed before them."""
    told, at = many(CHANGE)(data, at)
    missed, at = u64(data, at)
    return [events.Missed(missed), *told] if missed else told, at


ERROR = one_of(
    [
        raised(_errors.OfflineError, text),
        raised(_errors.NeedsAuthError, u16),
        raised(_errors.WrongPasswordError),
        raised(_errors.RateLimitedError, span),
        raised(_errors.NotAllowedError, text),
        raised(_errors.ServerError, u16, text),
        raised(_errors.ProtocolError, text),
        raised(_errors.StorageError, text, text),
        raised(_errors.PausedError),
        raised(_errors.CallCancelledError),
        raised(_errors.NotConnectedError),
        raised(_errors.OtherServerError, text, text),
        raised(_errors.BusyError),
        raised(_errors.NotFoundError, text, text),
        raised(_errors.InvalidError, text, text),
        raised(_errors.UnsupportedByServerError, text),
        raised(_errors.UnsentEditsError, u64),
        raised(_errors.SyncTimeoutError, u64, u64),
        raised(_errors.InternalError, text),
    ]
)
