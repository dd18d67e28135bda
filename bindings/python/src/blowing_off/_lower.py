"""Arguments as the library wants them: lengths of time, words, and what is to change."""

from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from typing import Any, TypeVar

from ._bridge import native
from ._errors import InvalidError
from ._words import UNSET, DeviceType, Kind, UserRole

W = TypeVar("W", bound=Enum)


def duration(name: str, value: timedelta | float) -> timedelta:
    """A length of time, of which a number says the seconds."""
    try:
        span = value if isinstance(value, timedelta) else timedelta(seconds=value)
    except (OverflowError, ValueError) as error:
        raise InvalidError(name, str(error)) from error
    if span < timedelta(0):
        raise InvalidError(name, "expected a length of time that is not negative")
    return span


def word(name: str, words: type[W], value: W | str) -> Any:
    """A word of an enum that has no others."""
    try:
        known = words(value)
    except ValueError:
        choices = ", ".join(repr(str(choice.value)) for choice in words)
        raise InvalidError(name, f"expected one of {choices}, not {value!r}") from None
    return getattr(native, words.__name__)[known.name]


def kind(value: Kind | str) -> Any:
    """A kind."""
    return _or_else(native.Kind, Kind, value, native.Kind.OTHER)


def device_type(value: DeviceType | str) -> Any:
    """A device's type."""
    return _or_else(native.DeviceType, DeviceType, value, native.DeviceType.UNKNOWN)


def role(value: UserRole | str) -> Any:
    """A user's role."""
    return _or_else(native.UserRole, UserRole, value, native.UserRole.UNKNOWN)


def _or_else(library: Any, words: type[Enum], value: str, other: Any) -> Any:
    """A word of an enum, or one that it does not know."""
    if not isinstance(value, str):
        raise TypeError(f"expected a word, not {type(value).__name__}")
    try:
        return getattr(library, words(value).name)()
    except ValueError:
        return other(value)


def change(lower: Callable[[Any], Any], value: Any) -> Any:
    """What is given for a patch; nothing, and what empties a field, stay as they are."""
    return value if value is UNSET or value is None else lower(value)


def patch(shape: Any, extra: dict[str, Any] | None, **fields: Any) -> Any:
    """Changes to a record: what was not given stays, and `None` empties a field."""
    given = {name: value for name, value in fields.items() if value is not UNSET}
    return shape(
        **{name: value for name, value in given.items() if value is not None},
        clear=[name for name, value in given.items() if value is None],
        extra=extra,
    )
