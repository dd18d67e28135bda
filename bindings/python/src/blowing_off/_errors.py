"""What calls raise: one class for each thing that a caller can act on.

Every error is a `WildThingError`, has its facts as attributes, and a message for
people as `str(error)`. Where Python has a word of its own for what happened
(`LookupError`, `ValueError`, `TimeoutError`) the class is that too.
"""

from datetime import timedelta


class WildThingError(Exception):
    """Why a call did not do what was asked. Nothing was half done."""


class OfflineError(WildThingError):
    """The server can't be reached; edits wait in the outbox."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """What the network said."""

    def __str__(self) -> str:
        return f"offline: {self.reason}"


class NeedsAuthError(WildThingError):
    """The server refused the token. Work goes on after `set_auth_token` or `login`."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status
        """401 or 403."""

    def __str__(self) -> str:
        return f"the server refused the token (HTTP {self.status})"


class WrongPasswordError(WildThingError):
    """The server does not know the password."""

    def __str__(self) -> str:
        return "the password is wrong"


class RateLimitedError(WildThingError):
    """The server takes no more guesses for now, and not even the right one."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after
        """For how long."""

    def __str__(self) -> str:
        # Rounded up: whoever waits so long has waited long enough.
        return f"too many attempts; try again in {-(-self.retry_after // timedelta(seconds=1))} s"


class NotAllowedError(WildThingError):
    """The server knows who asks, and does not allow it; or the invitation is not,
    or no longer, good.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        """The server's words, shortened."""

    def __str__(self) -> str:
        return f"not allowed: {self.detail}"


class ServerError(WildThingError):
    """The server failed."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail)
        self.status = status
        """The HTTP status."""
        self.detail = detail
        """The server's words, shortened."""

    def __str__(self) -> str:
        return f"the server answered {self.status}: {self.detail}"


class ProtocolError(WildThingError):
    """The server's answer can't be used; nothing of it was applied."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        """What is wrong with it, and where."""

    def __str__(self) -> str:
        return f"the server's answer can't be used: {self.problem}"


class StorageError(WildThingError):
    """The local database failed."""

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(code, problem)
        self.code = code
        """A word: `corrupt`, `disk_full`, `not_a_database`, `newer_schema`,
        `permission`, `cant_open`, `busy`, `io`, `other`; of encryption
        `key_needed`, `wrong_key`, `not_encrypted`, `no_encryption`.
        """
        self.problem = problem
        """What happened and what to do."""

    def __str__(self) -> str:
        return f"the local database failed: {self.problem}"


class PausedError(WildThingError):
    """The client is paused."""

    def __str__(self) -> str:
        return "the client is paused; call resume first"


class CallCancelledError(WildThingError):
    """`cancel_sync` or `shutdown` ended the call, or it was made after `shutdown`.

    Not to be confused with `asyncio.CancelledError`, which is what a cancelled task
    gets, here as everywhere.
    """

    def __str__(self) -> str:
        return "cancelled"


class NotConnectedError(WildThingError):
    """There is no server yet."""

    def __str__(self) -> str:
        return "not connected to a server; call connect first"


class OtherServerError(WildThingError):
    """The replica belongs to another server."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected = expected
        """The hub the replica was synced with."""
        self.found = found
        """The hub that answered."""

    def __str__(self) -> str:
        return (
            f"this replica belongs to server {self.expected}, not to {self.found}; "
            "ask for rebind to move it"
        )


class BusyError(WildThingError):
    """Another process has been syncing this replica for too long."""

    def __str__(self) -> str:
        return "another process is syncing this replica"


class NotFoundError(WildThingError, LookupError):
    """There is no such record."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(kind, id)
        self.kind = kind
        """The kind, or `record`."""
        self.id = id
        """What was asked for."""

    def __str__(self) -> str:
        return f"there is no {self.kind} {self.id!r}"


class InvalidError(WildThingError, ValueError):
    """An argument is not acceptable."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        """The argument's name."""
        self.problem = problem
        """What is wrong with it."""

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


class UnsupportedByServerError(WildThingError):
    """The server of this replica has no place for what was asked for, or is not known
    to have one: graphs need a server that speaks v2, or `connect(protocol="v2")` to say
    that there is one.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        """What it would have to take."""

    def __str__(self) -> str:
        return f"{self.what}: only a server that speaks v2 takes that, and this replica has none"


class UnsentEditsError(WildThingError):
    """What was asked for would drop edits that the server has not got."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count
        """How many."""

    def __str__(self) -> str:
        return f"{self.count} unsent edits would be lost"


class SyncTimeoutError(WildThingError, TimeoutError):
    """It took longer than was allowed; work goes on in the background, if it did before."""

    def __init__(self, waited_ms: int, pending: int) -> None:
        super().__init__(waited_ms, pending)
        self.waited_ms = waited_ms
        """How long it was waited for, in milliseconds."""
        self.pending = pending
        """Edits that the server has not answered."""

    def __str__(self) -> str:
        return f"not done after {self.waited_ms} ms; {self.pending} edits wait to be sent"


class InternalError(WildThingError):
    """A fault of this library. Please report it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        """What went wrong."""

    def __str__(self) -> str:
        return f"internal error: {self.detail}"
