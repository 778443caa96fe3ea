"""`/v1/callbacks`: a one-stop system says where it wants to hear what happened; the tenant is the key's tenant."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Router, delete, get, post, put
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.callbacks import endpoints, queries
from govchat.callbacks.endpoints import CallbackDisabled, CallbackLimit, CallbackNotFound
from govchat.callbacks.guard import CallbackUrlInvalid, networks
from govchat.callbacks.schemas import (
    CallbackChange,
    CallbackIn,
    CallbackOut,
    DeliveryOut,
    NewCallback,
    Queued,
    Removed,
    Replay,
)
from govchat.tenants.registry import Registry

READ, WRITE = RequireScope("callbacks:read"), RequireScope("callbacks:write")
Id = Annotated[UUID, PathParameter(description="The callback's id")]
State = Annotated[
    Literal["queued", "sending", "delivered", "failed", "held"] | None,
    QueryParameter(description="Deliveries of this state alone"),
]

EXAMPLE = {"url": "https://motcua.lamdong.gov.vn/govchat", "kinds": ["notice.delivered"], "timeout_s": 10}
JSON = RequestEncodingType.JSON
New = Annotated[CallbackIn, Body(media_type=JSON, examples=[Example(summary="Delivered notices", value=EXAMPLE)])]
Changed = Annotated[
    CallbackChange,
    Body(media_type=JSON, examples=[Example(summary="Enabled again", value={**EXAMPLE, "state": "enabled"})]),
]
Again = Annotated[
    Replay,
    Body(media_type=JSON, examples=[Example(summary="Since Monday", value={"since": "2026-11-16T00:00:00+07:00"})]),
]


def _at_hand(request: Request[Any, Any, Any]) -> tuple[Registry, Caller, str]:
    caller: Caller = request.state.caller
    return request.app.state.registry, caller, f"key:{caller.prefix}"


@post(
    "/",
    operation_id="add_callback",
    summary="Add a callback",
    guards=[WRITE],
    opt={REFUSES: (CallbackUrlInvalid, CallbackLimit)},
    response_description="The callback and its secret, shown this once",
)
async def add_callback(request: Request[Any, Any, Any], data: New) -> NewCallback:
    """An address that hears of everything, or of some kinds. Requests are signed with the secret as Standard Webhooks describes."""
    registry, caller, actor = _at_hand(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        allowed = networks(registry.settings.callback_allow)
        return await endpoints.add(session, vault, caller.tenant_id, data, allowed, actor)


@get("/", operation_id="list_callbacks", summary="List callbacks", guards=[READ], response_description="Every callback")
async def list_callbacks(request: Request[Any, Any, Any]) -> list[CallbackOut]:
    """The province's callbacks, how they stand, what waits and what was given up."""
    registry, caller, _ = _at_hand(request)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.callbacks_of(session, caller.tenant_id)


@get(
    "/{callback_id:uuid}",
    operation_id="get_callback",
    summary="Read a callback",
    guards=[READ],
    opt={REFUSES: (CallbackNotFound,)},
    response_description="The callback as it stands",
)
async def get_callback(request: Request[Any, Any, Any], callback_id: Id) -> CallbackOut:
    """One callback; never its secret."""
    registry, caller, _ = _at_hand(request)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.callback(session, caller.tenant_id, callback_id)


@put(
    "/{callback_id:uuid}",
    operation_id="put_callback",
    summary="Change, enable or disable a callback",
    guards=[WRITE],
    opt={REFUSES: (CallbackNotFound, CallbackUrlInvalid)},
    response_description="The callback as it stands now",
)
async def put_callback(request: Request[Any, Any, Any], callback_id: Id, data: Changed) -> CallbackOut:
    """Everything but the secret. Enabling lets go what was held meanwhile."""
    registry, caller, actor = _at_hand(request)
    allowed = networks(registry.settings.callback_allow)
    async with registry.db.tenant(caller.tenant_id) as session:
        await endpoints.change(session, caller.tenant_id, callback_id, data, allowed, actor)
        return await queries.callback(session, caller.tenant_id, callback_id)


@delete(
    "/{callback_id:uuid}",
    operation_id="remove_callback",
    summary="Remove a callback",
    guards=[WRITE],
    status_code=200,
    response_description="Whether there was one",
)
async def remove_callback(request: Request[Any, Any, Any], callback_id: Id) -> Removed:
    """The callback and its deliveries are forgotten; doing it again changes nothing."""
    registry, caller, actor = _at_hand(request)
    async with registry.db.tenant(caller.tenant_id) as session:
        return Removed(await endpoints.remove(session, caller.tenant_id, callback_id, actor))


@post(
    "/{callback_id:uuid}/secret",
    operation_id="rotate_callback_secret",
    summary="Make a new secret",
    guards=[WRITE],
    opt={REFUSES: (CallbackNotFound,)},
    response_description="The new secret, shown this once",
)
async def rotate_secret(request: Request[Any, Any, Any], callback_id: Id) -> NewCallback:
    """For a day requests carry a signature by each of both secrets."""
    registry, caller, actor = _at_hand(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await endpoints.rotate(session, vault, caller.tenant_id, callback_id, actor)


@post(
    "/{callback_id:uuid}/test",
    operation_id="test_callback",
    summary="Send a test",
    guards=[WRITE],
    status_code=202,
    opt={REFUSES: (CallbackNotFound, CallbackDisabled)},
    response_description="The test is on its way",
)
async def test_callback(request: Request[Any, Any, Any], callback_id: Id) -> Queued:
    """A message of type `callback.test`, whatever kinds the callback wants; its fate stands among the deliveries."""
    registry, caller, _ = _at_hand(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        await endpoints.test(session, vault, caller.tenant_id, callback_id)
    return Queued(1)


@post(
    "/{callback_id:uuid}/replay",
    operation_id="replay_callback",
    summary="Deliver again",
    guards=[WRITE],
    status_code=202,
    opt={REFUSES: (CallbackNotFound, CallbackDisabled)},
    response_description="How many are on their way",
)
async def replay_callback(request: Request[Any, Any, Any], callback_id: Id, data: Again) -> Queued:
    """Messages given up since a moment, and delivered ones if asked for, under the ids they had."""
    registry, caller, actor = _at_hand(request)
    async with registry.db.tenant(caller.tenant_id) as session:
        queued = await endpoints.replay(
            session, caller.tenant_id, callback_id, data.since, delivered_too=data.delivered_too, actor=actor
        )
    return Queued(queued)


@get(
    "/{callback_id:uuid}/deliveries",
    operation_id="list_callback_deliveries",
    summary="List deliveries",
    guards=[READ],
    opt={REFUSES: (CallbackNotFound,)},
    response_description="The newest 200",
)
async def list_deliveries(request: Request[Any, Any, Any], callback_id: Id, only: State = None) -> list[DeliveryOut]:
    """What was sent to a callback, newest first, and what became of it."""
    registry, caller, _ = _at_hand(request)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.deliveries_of(session, caller.tenant_id, callback_id, only)


router = Router(
    "/v1/callbacks",
    route_handlers=[
        add_callback, list_callbacks, get_callback, put_callback, remove_callback, rotate_secret, test_callback,
        replay_callback, list_deliveries,
    ],
    tags=["Callbacks"],
)  # fmt: skip
