"""Who may call a route: every route names a scope or says PUBLIC aloud; a test reads the route table for it."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from govchat.access.keys import Caller, Forbidden, Unauthenticated, tag_of
from govchat.access.recognise import Doorman
from govchat.tenants.registry import Registry

# `opt={"public": "why"}` on a route that needs no key.
PUBLIC = "public"
# `opt={"refuses": (DossierNotFound, …)}`: the business errors of a route, for its description and docs/errors.md.
REFUSES = "refuses"
# Where `access.idempotency` leaves who calls, which it has to know before any guard.
IDENTIFIED = "identified"


class RequireScope:
    """A guard: the caller's key is known, not revoked, and has `scope`."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        caller = connection.scope["state"].get(IDENTIFIED) or await identify(connection)
        if self.scope not in caller.scopes:
            raise Forbidden(
                f'the key {caller.prefix}… lacks the scope "{self.scope}": make one with '
                f"`govchat key create --scope {self.scope}`",
                scope=self.scope,
            )
        connection.scope["state"]["caller"] = caller


async def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """Who calls, from `Authorization: Bearer gvc_…`; raises `Unauthenticated`."""
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("send the API key as Authorization: Bearer gvc_live_…")
    registry: Registry = connection.app.state.registry
    tag = tag_of(key)
    tenant = await registry.by_tag(tag) if tag else None
    if tenant is None:
        raise Unauthenticated("the API key is not known or was revoked: make one with `govchat key create`")
    doorman: Doorman = connection.app.state.doorman
    return await doorman.recognise(tenant.id, key)
