"""Who may call a route: every route names a scope or says PUBLIC aloud; a test reads the route table for it.

A key comes as `Authorization: Bearer`, or as the password of `Authorization: Basic` for clients that know nothing else. A route may know
further ways (`opt={IDENTIFY: …}`), which the guard and `access.idempotency` go by alike.
"""

from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from govchat.access.keys import Caller, Forbidden, Unauthenticated, tag_of
from govchat.access.recognise import Doorman
from govchat.tenants.registry import Registry

Connection = ASGIConnection[Any, Any, Any, Any]
Identify = Callable[[Connection], Awaitable[Caller]]

# `opt={"public": "why"}` on a route that needs no key.
PUBLIC = "public"
# `opt={"refuses": (DossierNotFound, …)}`: the business errors of a route, for its description and docs/errors.md.
REFUSES = "refuses"
# `opt={"identify": act}`: how a route knows who calls, where the header alone doesn't tell.
IDENTIFY = "identify"
# Where `access.idempotency` leaves who calls, which it has to know before any guard.
IDENTIFIED = "identified"

UNKNOWN = "the API key is not known or was revoked: make one with `govchat key create`"


class RequireScope:
    """A guard: the caller's key is known, not revoked, and has `scope`."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        caller = connection.scope["state"].get(IDENTIFIED) or await identify(connection)
        if self.scope not in caller.scopes:
            raise Forbidden(
                f'the key {caller.prefix}… lacks the scope "{self.scope}": make one with '
                f"`govchat key create --scope {self.scope}`",
                scope=self.scope,
            )
        connection.scope["state"]["caller"] = caller


async def identify(connection: Connection) -> Caller:
    """Who calls, in the ways the route knows; raises `Unauthenticated`."""
    ways: Identify = connection.route_handler.opt.get(IDENTIFY, by_header)
    return await ways(connection)


async def by_header(connection: Connection) -> Caller:
    """Who calls, from `Authorization`; raises `Unauthenticated`."""
    key = key_in_header(connection)
    if not key:
        raise Unauthenticated(
            "send the API key as Authorization: Bearer gvc_live_…, or as the password of Authorization: Basic"
        )
    return await by_key(connection, key)


def key_in_header(connection: Connection) -> str:
    """The key that `Authorization` carries, empty where it carries none."""
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return _password(given.strip())
    return given.strip() if scheme.lower() == "bearer" else ""


async def by_key(connection: Connection, key: str) -> Caller:
    """Whose key that is; raises `Unauthenticated`."""
    registry: Registry = connection.app.state.registry
    tag = tag_of(key)
    tenant = await registry.by_tag(tag) if tag else None
    if tenant is None:
        raise Unauthenticated(UNKNOWN)
    doorman: Doorman = connection.app.state.doorman
    return await doorman.recognise(tenant.id, key)


def _password(encoded: str) -> str:
    """The password of Basic credentials; where there is none, what stands for the name."""
    try:
        name, _, password = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return ""
    return (password or name).strip()
