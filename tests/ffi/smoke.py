"""Calls every exported method at least once from Python, against a real hub.

`cargo xtask smoke` builds what it needs and runs it:

    python3 tests/ffi/smoke.py --module FOLDER --api api.json --hub blowing-off

FOLDER has the generated module and the library side by side; api.json lists
the API (it is written beside docs/api.md). The methods of the generated classes
are instrumented, so that a method which no step of `steps.py` has called is named at
the end, and the run fails: who adds a method adds a call.

Nothing but Python's own library is needed.
"""

import argparse
import asyncio
import contextlib
import functools
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import types

from steps import STEPS

TOKEN = "smoke-token"


class Register:
    """Knows what is exported, and which of it was called."""

    def __init__(self, api, module):
        self.exported = set()
        self.called = set()
        for entry in api["functions"]:
            name = entry["python"]
            self.exported.add(name)
            setattr(module, name, self._counted(name, getattr(module, name)))
        for entry in api["objects"] + api["values"]:
            cls = getattr(module, entry["python"])
            for method in entry["methods"]:
                self._instrument(cls, method)
        # A trait is called by the library: what counts is that it arrives.
        self._traits = {entry["python"]: entry["methods"] for entry in api["traits"]}
        for trait, methods in self._traits.items():
            self.exported.update(f"{trait}.{method['python']}" for method in methods)

    def _instrument(self, cls, method):
        name = f"{cls.__name__}.{method['python']}"
        attribute = "__init__" if method["name"] == "new" else method["python"]
        self.exported.add(name)
        # The methods of an error are in the classes of its variants.
        owners = [cls] if attribute in vars(cls) else [it for it in vars(cls).values() if isinstance(it, type)]
        for owner in owners:
            self._replace(owner, attribute, name)

    def _replace(self, cls, attribute, name):
        original = vars(cls)[attribute]
        if isinstance(original, classmethod):
            counted = classmethod(self._counted(name, original.__func__))
        else:
            counted = self._counted(name, original)
        setattr(cls, attribute, counted)

    def _counted(self, name, function):
        # An async method returns its coroutine from here, which is then awaited.
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            self.called.add(name)
            return function(*args, **kwargs)

        return wrapper

    def implements(self, cls):
        """Decorates a class that implements a trait."""
        for base in cls.__mro__:
            for method in self._traits.get(base.__name__, []):
                name = f"{base.__name__}.{method['python']}"
                function = self._counted(name, getattr(cls, method["python"]))
                setattr(cls, method["python"], function)
        return cls

    def never_called(self):
        return sorted(self.exported - self.called)


class Hub:
    """A real server with a sample house, that can be stopped and started again."""

    def __init__(self, program, folder, **environment):
        self.program = program
        self._environment = environment
        self.db = folder / "hub.db"
        self.url = None
        self._process = None

    def start(self, *more):
        listen = "127.0.0.1:0" if self.url is None else self.url.removeprefix("http://")
        self._process = subprocess.Popen(
            [self.program, "serve", "--listen", listen, "--db", self.db, "--auth-token", TOKEN, *more],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **self._environment},
        )
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            self.stop()
            raise RuntimeError(f"the hub did not start: {line!r}")
        self.url = line.removeprefix("listening on ").strip()

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process.stdout.close()
            self._process = None


class House:
    """What a step gets: the generated module, the register, the hub, a folder."""

    def __init__(self, module, register, hub, folder):
        self.wt = module
        self.register = register
        self.hub = hub
        self.folder = folder
        self.token = TOKEN

    def another_hub(self, name, **environment):
        """A server that is not started yet, on a database of its own."""
        folder = self.folder / name
        folder.mkdir()
        return Hub(self.hub.program, folder, **environment)


def check_the_register():
    """A register that counted too much would hide what is never called."""

    class Thing:
        def __init__(self):
            pass

        @classmethod
        async def open(cls):
            return cls()

        def used(self):
            return 1

        async def unused(self):
            return 2

    class Observer:
        def heard(self):
            raise NotImplementedError

    def method(name, python=None):
        return {"name": name, "python": python or name}

    module = types.SimpleNamespace(Thing=Thing, version=lambda: "1")
    api = {
        "functions": [method("version")],
        "objects": [{"python": "Thing", "methods": [method(n) for n in ("new", "open", "used", "unused")]}],
        "values": [],
        "traits": [{"python": "Observer", "methods": [method("heard")]}],
    }
    register = Register(api, module)
    everything = ["Observer.heard", "Thing.new", "Thing.open", "Thing.unused", "Thing.used", "version"]
    assert register.never_called() == everything, register.never_called()

    @register.implements
    class Mine(Observer):
        def heard(self):
            return 3

    assert module.version() == "1"
    assert asyncio.run(Thing.open()).used() == 1
    assert register.never_called() == ["Observer.heard", "Thing.unused"], register.never_called()
    assert Mine().heard() == 3
    assert register.never_called() == ["Thing.unused"]


def main():
    parser = argparse.ArgumentParser(description="Calls every exported method from Python.")
    parser.add_argument("--module", type=pathlib.Path, required=True)
    parser.add_argument("--api", type=pathlib.Path, required=True)
    parser.add_argument("--hub", type=pathlib.Path, required=True)
    arguments = parser.parse_args()

    check_the_register()
    sys.path.insert(0, str(arguments.module))
    module = importlib.import_module("_wildthing")
    register = Register(json.loads(arguments.api.read_text(encoding="utf-8")), module)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wildthing-smoke-")))
        hub = Hub(arguments.hub, folder)
        stack.callback(hub.stop)
        hub.start("--sample", "30")
        house = House(module, register, hub, folder)
        for function in STEPS:
            start = time.monotonic()
            asyncio.run(function(house))
            print(f"{(time.monotonic() - start) * 1000:8.1f} ms  {function.__name__.replace('_', ' ')}")
    missing = register.never_called()
    if missing:
        print("never called from Python:\n  " + "\n  ".join(missing), file=sys.stderr)
        return 1
    print(f"{len(register.exported)} exported methods, each called")
    return 0


if __name__ == "__main__":
    sys.exit(main())
