"""`/webhooks/zalo/{key}`: the raw body in, 200 once the event is durable.

The key names the Zalo app, the signature is checked over the raw bytes, the Official Account in the body names the tenant. Wrong
bodies get a 4xx and disturb nobody; only a database that is away gets a 503, so that Zalo sends the event again.
"""

from typing import Annotated, Any

import structlog
from litestar import Request, Router, get, post
from litestar.middleware import ASGIMiddleware
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter
from litestar.response.base import ASGIResponse
from litestar.status_codes import HTTP_200_OK
from litestar.types import ASGIApp, Receive, Scope, Send

from govchat.access.guards import PUBLIC, REFUSES
from govchat.inbox.put import NotDurable
from govchat.webhook.body import BodyTooLarge, header, read_body
from govchat.webhook.receive import BodyUnreadable, Door, OaRefused, SignatureInvalid, WebhookUnknown, receive

log = structlog.get_logger()

OK = ASGIResponse(body=b"{}", media_type="application/json")


class Straight(ASGIMiddleware):
    """Calls the handler with the connection and the key alone: the framework's reading of parameters costs as much as all of the rest."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """The handler's answer, sent; its refusals are rendered where all are."""
        answer = await receive_event.fn(Request(scope, receive, send), scope["path_params"]["key"])
        await answer(scope, receive, send)


Key = Annotated[str, PathParameter(max_length=80, description="The tenant's slug, or the name of a shared Zalo app")]


@post(
    "/{key:str}",
    operation_id="receive_zalo_event",
    summary="Zalo delivers an event",
    status_code=HTTP_200_OK,
    middleware=[Straight()],
    responses={HTTP_200_OK: ResponseSpec(dict[str, str], description="The event is durable")},
    opt={
        PUBLIC: "signed by Zalo over the raw body",
        REFUSES: (BodyUnreadable, SignatureInvalid, OaRefused, WebhookUnknown, BodyTooLarge, NotDurable),
    },
)
async def receive_event(request: Request[Any, Any, Any], key: Key) -> ASGIResponse:
    """200 with `{}` once the event is durable; see docs/operations.md for every other answer."""
    door: Door = request.app.state.door
    body = await read_body(request.receive)
    scope = request.scope
    await receive(
        door, key, body, signature=header(scope, b"x-zevent-signature"), timestamp=header(scope, b"x-zevent-timestamp")
    )
    return OK


@get(
    "/{key:str}",
    operation_id="probe_zalo_webhook",
    summary="Zalo's console looks whether the address answers",
    responses={HTTP_200_OK: ResponseSpec(dict[str, str], description="The address answers")},
    opt={PUBLIC: "says nothing"},
)
async def probe(key: Key) -> ASGIResponse:
    """Always 200: the console tests the address before it shows the secret."""
    log.debug("webhook.probed", key=key)
    return OK


router = Router("/webhooks/zalo", route_handlers=[receive_event, probe], tags=["Zalo"])
