"""How a client that was written for the National Portal says who it is, since it can set an address, a name and a password, but no header.

Its key comes as a header like everybody's, in the address, or once as the password of a login that answers a session for the bodies that
follow. A session names its key and ends with it; nothing of it is kept.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from litestar import Request

from govchat.access.guards import Connection, by_header, by_key, key_in_header
from govchat.access.keys import TAG_LENGTH, Caller, Unauthenticated, hash_of, tag_of
from govchat.access.recognise import Doorman
from govchat.kit import clock
from govchat.kit.crypto import SealBroken
from govchat.tenants.registry import Registry

# Clients log in again for each exchange or once a day.
SESSION_FOR = timedelta(hours=24)
# Shaped like a key, so that whatever masks keys masks sessions as well.
BEGINNING = "gvc_live_~"
_CONTEXT = "national.session"
# In the request's state, where a session said who calls.
IN_SESSION = "in_national_session"

WAYS = (
    "send the API key as Authorization: Bearer, as the password of Authorization: Basic, in the address "
    "(/v1/national/gvc_live_…/DongBoHoSoMC), or log in with it at /v1/national/login and send `session`"
)

ENDED = "the session is not known or has ended: log in again at /v1/national/login"


class Login(msgspec.Struct):
    """What the client sends to open a session; `username` is whatever the vendor was told, `password` the API key."""

    username: str = ""
    password: str = ""


class _Spoken(msgspec.Struct):
    """All that is looked at in a body before it is known who sent it."""

    session: str | None = None


class _Session(msgspec.Struct, array_like=True):
    """What a session holds, sealed under the province's key."""

    key_hash: bytes
    until: float


_LOGIN, _SPOKEN = msgspec.json.Decoder(Login), msgspec.json.Decoder(_Spoken)


async def by_vendor(connection: Connection) -> Caller:
    """Who calls: by the key in the address, else by the session in the body, else by header. Raises `Unauthenticated`.

    In that order, since a gateway on the way may put a header of its own on whatever passes.
    """
    key = connection.path_params.get("key", "")
    if tag_of(key):
        return await by_key(connection, key)
    session = (await _body(connection, _SPOKEN)).session
    if session and session.startswith(BEGINNING):
        connection.scope["state"][IN_SESSION] = True
        return await _by_session(connection, session)
    if connection.headers.get("authorization"):
        return await by_header(connection)
    raise Unauthenticated(ENDED if session else WAYS)


async def by_login(connection: Connection) -> Caller:
    """Who logs in; raises `Unauthenticated`."""
    return await by_key(connection, _key_of(connection, await _body(connection, _LOGIN)))


async def open_session(request: Request[Any, Any, Any], login: Login) -> str:
    """A session for whoever just logged in."""
    caller: Caller = request.state.caller
    registry: Registry = request.app.state.registry
    key = _key_of(request, login)
    vault = await registry.tenant_vault(caller.tenant_id)
    held = _Session(hash_of(key), (clock.now() + SESSION_FOR).timestamp())
    sealed = vault.seal(msgspec.msgpack.encode(held), _CONTEXT)
    return f"{BEGINNING}{tag_of(key)}{urlsafe_b64encode(sealed).decode().rstrip('=')}"


def _key_of(connection: Connection, login: Login) -> str:
    """The password, else the name where a client has but one field, else what the header carries."""
    return (login.password or login.username).strip() or key_in_header(connection)


async def _by_session(connection: Connection, session: str) -> Caller:
    registry: Registry = connection.app.state.registry
    ended = Unauthenticated(ENDED)
    told = session.removeprefix(BEGINNING)
    tag, rest = told[:TAG_LENGTH], told[TAG_LENGTH:]
    tenant = await registry.by_tag(tag)
    if tenant is None:
        raise ended
    vault = await registry.tenant_vault(tenant.id)
    try:
        sealed = urlsafe_b64decode(rest + "=" * (-len(rest) % 4))
        held = msgspec.msgpack.decode(vault.open(sealed, _CONTEXT), type=_Session)
    except (ValueError, SealBroken):  # not ours, damaged, or of another province
        raise ended from None
    if datetime.fromtimestamp(held.until, UTC) <= clock.now():
        raise ended
    doorman: Doorman = connection.app.state.doorman
    return await doorman.recognise_hash(tenant.id, held.key_hash)


async def _body(connection: Connection, decoder: msgspec.json.Decoder[Any]) -> Any:
    """What the body says of its sender; nothing, where it can't be read: the route tells what is wrong with it."""
    assert isinstance(connection, Request)
    try:
        return decoder.decode(await connection.body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return decoder.type()
