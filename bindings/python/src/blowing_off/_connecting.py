"""Calls to connect to a server, to sign in, and to come to rest."""

from typing import Any

from . import _lower
from ._base import Base
from ._bridge import native
from ._standing import AuthSession, Salvaged, Timeouts
from ._words import SyncProtocol


class Connecting(Base):
    """Connecting."""

    async def connect(
        self,
        server_url: str,
        auth_token: str | None = None,
        *,
        client_id: str | None = None,
        timeouts: Timeouts | None = None,
        rebind: bool = False,
        protocol: SyncProtocol | str | None = None,
        root_certificate_pem: str | None = None,
        pinned_certificate_sha256: str | None = None,
        allow_plain_http: bool = False,
    ) -> None:
        """Remembers the server and the token. Does not talk to the server; `probe` does.

        - `client_id`: a fixed client id, a UUID; otherwise the replica's own is kept.
        - `timeouts`: time limits of each exchange; 5 s to connect, 30 s without a byte and
          120 s in all when left out.
        - `rebind`: move a used replica to another server: full resync, outbox kept.
        - `protocol`: what the server speaks; when left out the first sync asks it. A used
          replica is moved from v1 to v2 by `rebind`, and never back.
        - `root_certificate_pem`: a root certificate, or several, in PEM, that are trusted
          beside those of the platform.
        - `pinned_certificate_sha256`: the SHA-256 of the server's own certificate (of its
          DER), 64 hexadecimal digits, perhaps with colons. Exactly that certificate is
          accepted then, and no other.
        - `allow_plain_http`: allow `http://` to a server that is not in the house's own
          network, though everybody on the way can then read the token and all that is
          synced.
        """
        core = await self._core()
        options = native.ConnectOptions(
            client_id=client_id,
            timeouts=None if timeouts is None else _limits(timeouts),
            rebind=rebind,
            protocol=None if protocol is None else _lower.word("protocol", SyncProtocol, protocol),
            root_certificate_pem=root_certificate_pem,
            pinned_certificate_sha256=pinned_certificate_sha256,
            allow_plain_http=allow_plain_http,
        )
        await core.connect(server_url, auth_token, options)

    async def probe(self) -> None:
        """Asks the server whether it is there and takes the token. Changes nothing.

        Raises `OfflineError`, `NeedsAuthError`, `ServerError`, or `ProtocolError` if what
        answers is no server of ours.
        """
        await (await self._core()).probe()

    async def set_auth_token(self, token: str | None) -> None:
        """Changes the token. A background sync that waits for one goes on."""
        (await self._core()).set_auth_token(token)

    async def login(self, password: str) -> AuthSession:
        """Asks the server for an admin's token, and uses it from then on, as
        `set_auth_token` does. The password is kept nowhere.

        As long as the client is used at times, its syncs exchange the token for a fresh one
        before it ends.

        Raises `WrongPasswordError`, `RateLimitedError` after too many wrong ones,
        `InvalidError` if there is no password, `ProtocolError` if the server has no logins,
        and what `probe` raises. The earlier token then stays in use.
        """
        session: AuthSession = await (await self._core()).login(password)
        return session

    async def login_guest(self, qr_data: str) -> AuthSession:
        """Asks the server for a guest's token, with the text of a scanned invitation, and
        uses it from then on. The text is a JSON object: `"type": "guest_access"`, without
        which it is no invitation, `server`, `port` and `token`, and perhaps `expires` and
        `permissions`; the `token` alone is sent. The token that comes back lasts about an
        hour and is not refreshed.

        It is the server that is connected to which is asked, also if the invitation names
        another. Raises `InvalidError` if the text is no invitation, `NotAllowedError` if it
        is not good (any more), and what `login` raises.
        """
        session: AuthSession = await (await self._core()).login_guest(qr_data)
        return session

    async def refresh_session(self) -> AuthSession:
        """Exchanges the token in use for a fresh one. Syncs do it by themselves in time."""
        session: AuthSession = await (await self._core()).refresh_session()
        return session

    async def auth_session(self) -> AuthSession | None:
        """The token in use and what is known of it; `None` if none is. Of a token given to
        `connect` or `set_auth_token` that is known which it says of itself.
        """
        session: AuthSession | None = (await self._core()).auth_session()
        return session

    async def disconnect(self) -> None:
        """Forgets the server and the token; the replica and its outbox stay."""
        await (await self._core()).disconnect()

    async def client_id(self) -> str:
        """The replica's name to servers, a UUID."""
        name: str = await (await self._core()).client_id()
        return name

    async def pause(self) -> None:
        """Stops a running sync and closes every connection to the file, so that no lock on
        it is held. Calls raise `PausedError` until `resume`, but for `get_sync_status`;
        live queries wait.
        """
        await (await self._core()).pause()

    async def resume(self) -> None:
        """Opens the file again. A background sync tries at once."""
        await (await self._core()).resume()

    async def change_key(self, new_key: bytes | None) -> None:
        """Encrypts the database with another key of 32 bytes, for the first time, or (`None`)
        not any more. It is written anew and takes the place of the old one: there must be
        room for both. Other calls wait meanwhile.

        Raises a `StorageError`, and changes nothing, with the code `busy` while another
        process has the database open. A program that dies on the way finds it with the one
        key or the other: keep both until this has returned.
        """
        await (await self._core()).change_key(new_key if new_key is None else bytes(new_key))

    async def salvaged(self) -> Salvaged | None:
        """Where a damaged database was set aside to when this client was opened, and how
        many of its unsent edits were saved.
        """
        saved: Salvaged | None = (await self._core()).salvaged()
        return saved


def _limits(timeouts: Timeouts) -> Any:
    parts = {name: _lower.duration(name, span) for name, span in vars(timeouts).items()}
    return native.Timeouts(**parts)
