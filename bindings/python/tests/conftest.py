"""How the tests run: async ones in a loop of their own each, with a deadline; hubs as
fixtures; and an account of which public methods were called.
"""

import asyncio
import functools
import inspect
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import blowing_off
from blowing_off import BlowingOffClient, ChangeStream, LiveQuery, Subscription, events
from hubs import Hub

PATIENCE = 60
"""Seconds. Nothing here takes that long: it means that it never comes."""

called: set[str] = set()
"""The public methods that were called, as `Class.method`."""


def public_methods() -> dict[str, tuple[type, Any]]:
    """Everything that a user of the package may call or ask for on an object."""
    found: dict[str, tuple[type, Any]] = {}
    for owner in (BlowingOffClient, ChangeStream, LiveQuery, Subscription, events.ChangeEvent):
        for name, method in inspect.getmembers(owner):
            wanted = not name.startswith("_") or name in {"__aenter__", "__aexit__", "__anext__"}
            if wanted and (inspect.isfunction(method) or isinstance(method, property)):
                found[f"{owner.__name__}.{name}"] = (owner, method)
    return found


def _count(owner: type, name: str, method: Any) -> None:
    key = f"{owner.__name__}.{name}"

    def counting(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            called.add(key)
            return function(*args, **kwargs)

        return wrapper

    if isinstance(method, property):
        setattr(owner, name, property(counting(method.fget)))  # type: ignore[arg-type]
    else:
        setattr(owner, name, counting(method))


for _key, (_owner, _method) in public_methods().items():
    _count(_owner, _key.split(".")[1], _method)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs an async test in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}

    async def run() -> None:
        async with asyncio.timeout(PATIENCE):
            await pyfuncitem.obj(**arguments)

    asyncio.run(run())
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks back on all other tests comes last."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


def pytest_configure(config: pytest.Config) -> None:
    """Names the markers."""
    config.addinivalue_line("markers", "last: looks back on all other tests")


StartHub = Callable[..., Hub]


@pytest.fixture
def start_hub(tmp_path: pathlib.Path) -> Iterator[StartHub]:
    """Starts hubs, each on a database of its own, which end with the test."""
    hubs: list[Hub] = []

    def start(*options: str, port: int = 0) -> Hub:
        folder = tmp_path / f"hub{len(hubs)}"
        folder.mkdir()
        hub = Hub(folder, *options, port=port)
        hubs.append(hub)
        hub.start()
        return hub

    yield start
    for hub in hubs:
        hub.kill()


@pytest.fixture
def hub(start_hub: StartHub) -> Hub:
    """A hub with a house of 30 entities, that speaks v1."""
    return start_hub("--sample", "30")


@pytest.fixture(params=["v1", "v2"])
def either_hub(request: pytest.FixtureRequest, start_hub: StartHub) -> Hub:
    """The same, of either protocol."""
    return start_hub("--protocol", request.param, "--sample", "30")


def package_folder() -> pathlib.Path:
    """Where the package is installed."""
    return pathlib.Path(inspect.getfile(blowing_off)).parent
