"""What calls cost: `cargo xtask python --release`, then

    target/python/fresh/bin/python bindings/python/benches/calls.py

A house of 300 devices, each with a state, in a folder that goes afterwards.
"""

import asyncio
import pathlib
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable

from blowing_off import BlowingOffClient, _bridge

DEVICES = 300


async def measure(name: str, call: Callable[[], Awaitable[object]], rounds: int = 200) -> None:
    """Prints the median and the least of many rounds."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        await call()
        took.append((time.perf_counter() - start) * 1_000_000)
    print(f"{name:<42} {statistics.median(took):>8.0f} µs  {min(took):>8.0f} µs")


async def main(path: pathlib.Path) -> None:
    """Builds the house and measures."""
    async with BlowingOffClient(path, durability="fast") as client:
        house = await client.create_house("House")
        room = await client.create_room(house.id, "Room")
        for number in range(DEVICES):
            device = await client.create_device(
                room.id, f"Lamp {number}", "light", manufacturer="Philips", configuration={"n": number}
            )
            await client.update_device_state(device.id, {"power": "on", "brightness": 80})
        print(f"{'call':<42} {'median':>11}  {'least':>11}")
        await measure("auth_session (never leaves the caller)", client.auth_session)
        await measure("get_house", client.get_house)
        await measure("update_device_state", lambda: client.update_device_state(device.id, {"x": 1}))
        await measure(f"get_devices, {DEVICES}", client.get_devices)
        converter = _bridge.native._UniffiFfiConverterSequenceTypeDevice
        converter.lift = staticmethod(lambda buffer: buffer.free())
        await measure("  of which the engine's part", client.get_devices)
        # As the generated module would read them.
        converter.lift = classmethod(_bridge.native._UniffiConverterRustBuffer.lift.__func__)
        await measure("  the same, read by the generated module", client.get_devices, 50)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="blowing-off-") as folder:
        asyncio.run(main(pathlib.Path(folder) / "house.db"))
