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
    method = getattr(client, call)
    keywords = NEEDED.get(call, {}) | _keywords(args)
    cleared = args["patch"].get("clear", []) if "patch" in args else []
    try:
        result = method(**_clearing(method, keywords, cleared))
        if inspect.isawaitable(result):
            result = await result
        return {"ok": shown(result)}
    except WildThingError as error:
        return {"error": shown(error)}


def _keywords(args: dict[str, Any]) -> dict[str, Any]:
    """The arguments as the package takes them. What is null is left out."""
    given: dict[str, Any] = {}
    for name, value in args.items():
        if value is None or name == "clear":
            continue
        if name in RECORDS:
            given |= _keywords(value)
        elif name in SPANS:
            given[name] = timedelta(milliseconds=value)
        else:
            given[name] = value
    return given


def _clearing(method: Any, given: dict[str, Any], cleared: list[str]) -> dict[str, Any]:
    """With `None` for fields that are to be emptied; those that have no argument of their own,
    or were given one, are among the `extra` ones.
    """
    known = inspect.signature(method).parameters.keys() - given.keys()
    emptied = {name: None for name in cleared if name in known}
    if others := {name: None for name in cleared if name not in known}:
        emptied["extra"] = given.get("extra", {}) | others
    return given | emptied
