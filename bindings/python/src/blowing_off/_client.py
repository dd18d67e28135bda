"""The client: all groups of calls in one class."""

from ._caring import Caring
from ._connecting import Connecting
from ._graphing import Graphing
from ._observing import Observing
from ._reading import Reading
from ._syncing import Syncing
from ._writing import Writing


class BlowingOffClient(Connecting, Syncing, Reading, Writing, Graphing, Observing, Caring):
    """A house that works offline, and syncs when it can.

        async with BlowingOffClient("my-home.db") as client:
            await client.connect("http://localhost:8000", "auth-token")
            await client.sync()
            for device in await client.get_devices():
                print(device.name, device.state)

    Every call works offline, but for those that say that they ask the server. All may be
    made from any task, and many at a time. Errors are `WildThingError`s. A cancelled task
    gives up on its call at once; a write that was begun may be done all the same.
    """
