"""That nothing is forgotten: the layer against the generated module, and the tests
against the layer.
"""

import ctypes
import dataclasses
import enum
import inspect
import pathlib
import re
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import blowing_off
from blowing_off import BlowingOffClient, _bridge, _codec, events
from blowing_off._bridge import native
from conftest import called, public_methods

BY_OTHER_MEANS = {
    # Opened by the constructor or `async with`.
    "open",
    "open_encrypted",
}


def test_every_call_of_the_library_is_a_call_of_the_client() -> None:
    library = {
        name
        for name, _ in inspect.getmembers(native.WildThingClient, inspect.isfunction)
        if not name.startswith("_")
    }
    missing = {name for name in library | BY_OTHER_MEANS if not hasattr(BlowingOffClient, name)}
    assert missing == BY_OTHER_MEANS


def test_everything_public_has_a_docstring_and_is_exported() -> None:
    for name in blowing_off.__all__:
        assert hasattr(blowing_off, name)
        thing = getattr(blowing_off, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name
        if inspect.isclass(thing):
            # As it is imported, for help and tracebacks.
            assert thing.__module__ in {"blowing_off", "blowing_off.events"}, name
    for key, (_, method) in public_methods().items():
        assert inspect.getdoc(method) or "__a" in key, key


def _mine(name: str) -> Any:
    return getattr(events if name in events.__all__ and name != "Conflict" else blowing_off, name)


READ_RECORDS = sorted(set(_bridge.READERS) - {"ChangeBatch", "WildThingError"})


@pytest.mark.parametrize("name", READ_RECORDS)
def test_records_have_the_library_s_fields(name: str) -> None:
    library = list(inspect.signature(getattr(native, name)).parameters)
    assert [field.name for field in dataclasses.fields(_mine(name))] == library


def test_what_the_library_gives_is_read_by_this_package() -> None:
    """A type that nothing is known of would come out as the generated module's."""
    source = inspect.getsource(native)
    lifted = set(re.findall(r"_lift_return = _UniffiFfiConverter(?:Optional|Sequence)*Type(\w+)", source))
    objects = {"ChangeStream", "ChangeSubscription", "WildThingClient", "JsonObject"}
    assert {it for it in lifted - objects if not it.endswith("Query")} <= set(_bridge.READERS)


WORDS = [
    name
    for name, it in vars(blowing_off).items()
    if inspect.isclass(it) and issubclass(it, enum.StrEnum)
]


@pytest.mark.parametrize("name", WORDS)
def test_words_are_the_library_s_in_its_order(name: str) -> None:
    mine, library = [word.name for word in getattr(blowing_off, name)], getattr(native, name)
    if inspect.isclass(library) and issubclass(library, enum.Enum):
        assert mine == [word.name for word in library]
        return
    # A word of an open enum that is not known is its last variant.
    variants = [it for it in vars(library) if it.isupper()]
    assert [*mine, variants[-1]] == variants
    assert variants[-1] in {"OTHER", "UNKNOWN"}


def _variants(union: Any) -> list[str]:
    return [it for it in vars(union) if it.isupper() and inspect.isclass(vars(union)[it])]


def test_events_are_the_library_s_in_its_order() -> None:
    for variant in _variants(native.ChangeEvent):
        name = "".join(part.title() for part in variant.split("_"))
        mine = getattr(events, name)
        assert mine.event_type == variant.lower()
        library = list(inspect.signature(getattr(native.ChangeEvent, variant)).parameters)
        assert [field.name for field in dataclasses.fields(mine)] == library


def test_errors_are_the_library_s() -> None:
    names = {"Cancelled": "CallCancelledError", "Timeout": "SyncTimeoutError"}
    library = [it for it, cls in vars(native.WildThingError).items() if inspect.isclass(cls)]
    for variant in library:
        mine = getattr(blowing_off, names.get(variant, f"{variant}Error"))
        fields = list(inspect.signature(getattr(native.WildThingError, variant)).parameters)
        if fields:
            assert list(inspect.signature(mine).parameters) == fields


class Bytes:
    """What the generated converters write into, without the library."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, value: bytes) -> None:
        self.data += value

    def __getattr__(self, name: str) -> Any:
        sizes = {"i8": 1, "u8": 1, "u16": 2, "i32": 4, "u32": 4, "i64": 8, "u64": 8}
        kind = name.removeprefix("write_")
        if kind == "double":
            return lambda value: self.write(struct.pack(">d", value))
        return lambda value: self.write(
            int(value).to_bytes(sizes[kind], "big", signed=kind.startswith("i"))
        )


def _written(name: str, value: Any) -> bytes:
    buffer = Bytes()
    getattr(native, f"_UniffiFfiConverterType{name}").write(value, buffer)
    return bytes(buffer.data)


def _example(annotation: str, full: bool, depth: int = 0) -> Any:
    """A value of a type, as the generated module names it."""
    inner = re.fullmatch(r"typing\.(Optional|List)\[(.*)\]", annotation)
    if inner and (not full or depth > 4):
        return None if inner[1] == "Optional" else []
    if inner:
        value = _example(inner[2], full, depth + 1)
        return value if inner[1] == "Optional" else [value, value]
    plain: dict[str, Any] = {
        "str": "שלום 🏡", "int": 2**15, "bool": True, "float": 0.25, "RecordId": "id-1",
        "Json": {"a": [1, 2**70, None]}, "JsonObject": {"b": "ב"}, "dict[str, int]": {"x": 5},
        "Timestamp": datetime(2024, 2, 29, 12, 0, 0, 123456, UTC), "Duration": timedelta(seconds=1.5),
        "Kind": native.Kind.OTHER("note") if full else native.Kind.ROOM(),
        "DeviceType": native.DeviceType.UNKNOWN("x") if full else native.DeviceType.LOCK(),
        "UserRole": native.UserRole.UNKNOWN("y") if full else native.UserRole.GUEST(),
    }  # fmt: skip
    if annotation in plain:
        return plain[annotation]
    if annotation == "Freshness":
        when = plain["Timestamp"]
        return native.Freshness.SUPERSEDED(when, 3, "r") if full else native.Freshness.PENDING(None, True)
    kind = getattr(native, annotation)
    if issubclass(kind, enum.Enum):
        return list(kind)[-1]
    parameters = inspect.signature(kind).parameters.values()
    return kind(**{it.name: _example(it.annotation, full, depth + 1) for it in parameters})


def _same(mine: Any, library: Any) -> None:
    """Whether what was read says what was written."""
    if isinstance(library, list):
        assert len(mine) == len(library)
        for one, other in zip(mine, library, strict=True):
            _same(one, other)
    elif isinstance(library, enum.Enum):
        assert mine.name == library.name
    elif dataclasses.is_dataclass(mine):
        for field in dataclasses.fields(mine):
            _same(getattr(mine, field.name), getattr(library, field.name))
    elif isinstance(mine, str) and not isinstance(library, str):
        assert mine == getattr(library, "name", type(library).__name__.split(".")[-1].lower())
    else:
        assert mine == library


@pytest.mark.parametrize("full", [True, False], ids=["full", "empty"])
@pytest.mark.parametrize("name", READ_RECORDS)
def test_records_are_read_as_the_generated_module_writes_them(name: str, full: bool) -> None:
    value = _example(name, full)
    data = _written(name, value)
    mine, end = _bridge.READERS[name](data, 0)
    assert end == len(data)
    _same(mine, value)


def test_times_are_read_exactly_and_those_that_datetime_cannot_say_do_no_harm() -> None:
    before = datetime(1969, 12, 31, 23, 59, 58, 250_000, UTC)
    for moment in (before, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)):
        assert _codec.moment(_written("Timestamp", moment), 0)[0] == moment
    for seconds in (2**50, -(2**50)):
        data = seconds.to_bytes(8, "big", signed=True) + bytes(4)
        assert _codec.moment(data, 0)[0].year in {1, 9999}


def test_the_wheel_has_the_committed_module() -> None:
    committed = pathlib.Path(__file__).parent.parent / "generated" / "_wildthing.py"
    assert pathlib.Path(inspect.getfile(native)).read_bytes() == committed.read_bytes()
    assert isinstance(native._UniffiLib, ctypes.CDLL)
    native._uniffi_check_api_checksums(native._UniffiLib)


@pytest.mark.last
def test_every_public_method_was_called(request: pytest.FixtureRequest) -> None:
    options = request.config.option
    if options.keyword or request.config.args != request.config.getini("testpaths"):
        pytest.skip("only some tests ran")
    assert set(public_methods()) - called == set()
