"""Makes the calls that a scenario names, as an app would write them."""

import inspect
from datetime import timedelta
from typing import Any

from blowing_off import BlowingOffClient, WildThingError

from render import shown

RECORDS = {"house", "room", "device", "user", "event", "entity", "patch", "options", "filter"}
"""Arguments that are records in other languages, and keyword arguments here."""

SPANS = {"interval", "timeout"}
"""Arguments that are lengths of time, in milliseconds."""

NEEDED: dict[str, dict[str, Any]] = {"set_auth_token": {"token": None}}
"""Arguments without a default here, where the API has one."""


async def answer(client: BlowingOffClient, call: str, args: dict[str, Any]) -> Any:
    """Makes the call, and gives its answer for the stage."""
    try:
        result = getattr(client, call)(**(NEEDED.get(call, {}) | keywords(args)))
        if inspect.isawaitable(result):
            result = await result
        return {"ok": shown(result)}
    except WildThingError as error:
        return {"error": shown(error)}


def keywords(args: dict[str, Any]) -> dict[str, Any]:
    """The arguments by the package's rules: what is left out stays, and `None` empties a
    field of a record.
    """
    given: dict[str, Any] = {}
    for name, value in args.items():
        if name in RECORDS and isinstance(value, dict):
            cleared = dict.fromkeys(value.get("clear", []))
            given |= keywords({field: value[field] for field in value if field != "clear"})
            given |= cleared
        elif name in SPANS:
            given[name] = timedelta(milliseconds=value)
        elif value is not None:
            given[name] = value
    return given
