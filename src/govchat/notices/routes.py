"""`/v1/messages`: why and how one message was said; the tenant is the key's tenant."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Router, get
from litestar.params import PathParameter

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.notices.explain import MessageUnknown, explain
from govchat.notices.schemas import Story
from govchat.tenants.registry import Registry

MessageId = Annotated[UUID, PathParameter(description="The id of a message, or of a notice that became none")]


@get(
    "/{message_id:uuid}",
    operation_id="explain_message",
    summary="Explain a message",
    guards=[RequireScope("messages:read")],
    opt={REFUSES: (MessageUnknown,)},
    response_description="Every decision, attempt and answer of Zalo's",
)
async def explain_message(request: Request[Any, Any, Any], message_id: MessageId) -> Story:
    """The whole story of one message, secrets and personal data left out."""
    caller: Caller = request.state.caller
    registry: Registry = request.app.state.registry
    async with registry.db.tenant(caller.tenant_id) as session:
        return await explain(session, caller.tenant_id, message_id)


router = Router("/v1/messages", route_handlers=[explain_message], tags=["Messages"])
