"""`/v1/dossiers`: what one-stop systems push and read; the tenant is the key's tenant."""

from typing import Annotated, Any

from litestar import Request, Router, get, post, put
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.dossiers import batch, intake, queries
from govchat.dossiers.codes import CodeInvalid
from govchat.dossiers.queries import DossierNotFound
from govchat.dossiers.schemas import Batch, BatchResults, DossierIn, DossierOut, DossierPage, EventPage, Put
from govchat.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT, CursorInvalid
from govchat.tenants.registry import Registry

Code = Annotated[str, PathParameter(max_length=80, description="Mã số hồ sơ, such as H19.12-261103-0007")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=400, description="`next_cursor` of the page before; none for the first page")
]
Limit = Annotated[int, QueryParameter(ge=1, le=LARGEST_LIMIT, description="The most items of a page")]
Flagged = Annotated[
    bool, QueryParameter(description="Only dossiers with flags: unlawful moves, missing reasons, unknown procedures …")
]

EXAMPLE = {
    "procedure_code": "1.013225",
    "applicant": {"name": "Trịnh Thị Phương Hiền", "phone": "0912345678"},
    "lookup_secret": "K7PX",
    "received_at": "2026-11-20T09:12:00+07:00",
    "status": 4,
    "status_note": "Đang thẩm định tại hiện trường",
    "handler": {"unit": "Sở Xây dựng", "officer": "Trần Văn An"},
    "changed_at": "2026-11-22T08:00:00+07:00",
}
BATCH = {"items": [{"code": "H19.12-261120-0007", **EXAMPLE}]}
Pushed = Annotated[
    DossierIn, Body(media_type=RequestEncodingType.JSON, examples=[Example(summary="In progress", value=EXAMPLE)])
]
Many = Annotated[
    Batch,
    Body(
        media_type=RequestEncodingType.JSON,
        description="Each item is the body of `PUT /v1/dossiers/{code}` and its `code`",
        examples=[Example(summary="One item", value=BATCH)],
    ),
]


@put(
    "/{code:str}",
    operation_id="put_dossier",
    summary="Create or update a dossier",
    guards=[RequireScope("dossiers:write")],
    opt={REFUSES: (CodeInvalid,)},
    status_code=200,
    response_description="What putting it did",
)
async def put_dossier(request: Request[Any, Any, Any], code: Code, data: Pushed) -> Put:
    """Tell what the system of record knows now. A `changed_at` older than what is stored is `stale` and changes nothing."""
    caller, registry = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        done = await intake.put(session, vault, caller.tenant_id, code, data, test=caller.mode == "test")
    intake.count(registry.now.tenants[caller.tenant_id].slug, [(done.outcome, done.flags)])
    return done


@post(
    "/batch",
    operation_id="put_dossiers",
    summary="Create or update up to 1,000 dossiers",
    guards=[RequireScope("dossiers:write")],
    status_code=200,
    response_description="One result per item, in order",
)
async def put_dossiers(request: Request[Any, Any, Any], data: Many) -> BatchResults:
    """Items are taken in on their own: one that doesn't fit is `refused` with its field, the others are kept."""
    caller, registry = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        done = await batch.put_batch(session, vault, caller.tenant_id, data.items, test=caller.mode == "test")
    intake.count(registry.now.tenants[caller.tenant_id].slug, ((each.outcome, each.flags) for each in done))
    return BatchResults(done)


@get(
    "/",
    operation_id="list_dossiers",
    summary="List dossiers",
    guards=[RequireScope("dossiers:read")],
    opt={REFUSES: (CursorInvalid,)},
    response_description="A page, in the order in which the dossiers first came in",
)
async def list_dossiers(
    request: Request[Any, Any, Any], cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT, flagged: Flagged = False
) -> DossierPage:
    """Page by page with `cursor`; dossiers that come in meanwhile stand on the last pages, none is skipped."""
    caller, registry = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.page(session, vault, caller.tenant_id, cursor=cursor, limit=limit, flagged=flagged)


@get(
    "/{code:str}",
    operation_id="get_dossier",
    summary="Read a dossier",
    guards=[RequireScope("dossiers:read")],
    opt={REFUSES: (CodeInvalid, DossierNotFound)},
    response_description="The dossier as stored",
)
async def get_dossier(request: Request[Any, Any, Any], code: Code) -> DossierOut:
    """One dossier by its code, in any written shape."""
    caller, registry = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.get(session, vault, caller.tenant_id, code)


@get(
    "/{code:str}/events",
    operation_id="list_dossier_events",
    summary="Read what happened to a dossier",
    guards=[RequireScope("dossiers:read")],
    opt={REFUSES: (CodeInvalid, DossierNotFound, CursorInvalid)},
    response_description="Its changes, oldest first",
)
async def list_dossier_events(
    request: Request[Any, Any, Any], code: Code, cursor: Cursor = None, limit: Limit = LARGEST_LIMIT
) -> EventPage:
    """Every accepted change, with the office, the person and the time that were told, and what was irregular about it."""
    caller, registry = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.events(session, vault, caller.tenant_id, code, cursor=cursor, limit=limit)


def _called(request: Request[Any, Any, Any]) -> tuple[Caller, Registry]:
    return request.state.caller, request.app.state.registry


router = Router(
    "/v1/dossiers",
    route_handlers=[put_dossier, put_dossiers, list_dossiers, get_dossier, list_dossier_events],
    tags=["Dossiers"],
)
