"""`/v1/ratings`: what citizens said, and which poor ones wait for somebody; the tenant is the key's tenant."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Router, get, post
from litestar.params import PathParameter, QueryParameter
from msgspec import Struct

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT, CursorInvalid
from govchat.ratings import queries
from govchat.ratings.queries import RatingNotFound
from govchat.ratings.schemas import RatingPage
from govchat.tenants.registry import Registry

Id = Annotated[UUID, PathParameter(description="The rating's id")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=400, description="`next_cursor` of the page before; none for the first page")
]
Limit = Annotated[int, QueryParameter(ge=1, le=LARGEST_LIMIT, description="The most items of a page")]
Alerts = Annotated[bool, QueryParameter(description="Only poor ones that nobody has looked at")]


class Seen(Struct):
    """That somebody looks after it."""

    seen: bool


@get(
    "/",
    operation_id="list_ratings",
    summary="List ratings",
    guards=[RequireScope("petitions:read")],
    opt={REFUSES: (CursorInvalid,)},
    response_description="A page of ratings",
)
async def list_ratings(
    request: Request[Any, Any, Any], cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT, alerts: Alerts = False
) -> RatingPage:
    """What was said of each dossier, with the citizen's comment; never who said it."""
    caller: Caller = request.state.caller
    registry: Registry = request.app.state.registry
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.page(session, vault, caller.tenant_id, cursor=cursor, limit=limit, alerts=alerts)


@post(
    "/{rating_id:uuid}/seen",
    operation_id="see_rating",
    summary="Say that somebody looks after a poor rating",
    guards=[RequireScope("petitions:write")],
    opt={REFUSES: (RatingNotFound,)},
    status_code=200,
    response_description="That it is noted",
)
async def see_rating(request: Request[Any, Any, Any], rating_id: Id) -> Seen:
    """It leaves the list of alerts; doing it again changes nothing."""
    caller: Caller = request.state.caller
    registry: Registry = request.app.state.registry
    async with registry.db.tenant(caller.tenant_id) as session:
        await queries.seen(session, caller.tenant_id, rating_id, actor=f"key:{caller.prefix}")
    return Seen(seen=True)


router = Router("/v1/ratings", route_handlers=[list_ratings, see_rating], tags=["Ratings"])
