"""What calls give, as JSON by the rules of `docs/conformance.md`: the package's own values,
every field under its name, what is absent left out.
"""

import re
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from blowing_off import (
    CallCancelledError,
    ChangeEvent,
    Failed,
    Pending,
    Superseded,
    Synced,
    SyncTimeoutError,
    WildThingError,
)

RENAMED: dict[type[WildThingError], str] = {
    CallCancelledError: "cancelled",
    SyncTimeoutError: "timeout",
}
"""Errors that have another name here, since Python has that name for something else."""


def shown(value: Any) -> Any:
    """A value as JSON."""
    match value:
        case WildThingError():
            return {"is": _word(value), **_present(vars(value))}
        case ChangeEvent():
            return {"is": value.event_type, **_present(value.data)}
        case Synced() | Pending() | Failed() | Superseded():
            return {"is": _snake_case(type(value).__name__), **_record(value)}
        case datetime():
            return value.isoformat(timespec="microseconds").removesuffix("+00:00")
        case timedelta():
            return value // timedelta(milliseconds=1)
        case Enum():
            return value.value
        case list():
            return [shown(item) for item in value]
        case dict():
            return {name: shown(item) for name, item in value.items()}
    return _record(value) if is_dataclass(value) else value


def _record(value: Any) -> dict[str, Any]:
    return _present({field.name: getattr(value, field.name) for field in fields(value)})


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: shown(value) for name, value in values.items() if value is not None}


def _word(error: WildThingError) -> str:
    name = type(error).__name__.removesuffix("Error")
    return RENAMED.get(type(error)) or _snake_case(name)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
