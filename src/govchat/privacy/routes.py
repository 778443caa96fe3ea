"""`/v1/privacy-requests`: what citizens ask about their data, and carrying it out; the tenant is the key's tenant."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.audit.record import note
from govchat.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT, CursorInvalid
from govchat.privacy import erase, handle, queries
from govchat.privacy.export import Export, export
from govchat.privacy.handle import PrivacyMoveRefused, PrivacyRequestNotFound
from govchat.privacy.parts import CitizenGone
from govchat.privacy.schemas import Because, Finish, RequestOut, RequestPage
from govchat.tenants.registry import Registry

WRITE = RequireScope("privacy:write")
ACTS = (PrivacyRequestNotFound, PrivacyMoveRefused)
Id = Annotated[UUID, PathParameter(description="The request's id")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=400, description="`next_cursor` of the page before; none for the first page")
]
Limit = Annotated[int, QueryParameter(ge=1, le=LARGEST_LIMIT, description="The most items of a page")]
Open = Annotated[bool, QueryParameter(description="Only those that are not done")]
JSON = RequestEncodingType.JSON
DONE = {"note": "Đã gửi bản sao tại Trung tâm Phục vụ hành chính công ngày 24/11/2026."}
WHY = {"reason": "Cần xác minh với cơ quan lưu trữ hồ sơ."}
Finished = Annotated[Finish, Body(media_type=JSON, examples=[Example(summary="Handed over", value=DONE)])]
Reason = Annotated[Because, Body(media_type=JSON, examples=[Example(summary="A reason", value=WHY)])]


def _called(request: Request[Any, Any, Any]) -> tuple[Caller, Registry, str]:
    caller: Caller = request.state.caller
    return caller, request.app.state.registry, f"key:{caller.prefix}"


@get(
    "/",
    operation_id="list_privacy_requests",
    summary="List requests about personal data",
    guards=[WRITE],
    opt={REFUSES: (CursorInvalid,)},
    response_description="A page, in the order in which the requests were made",
)
async def list_privacy_requests(
    request: Request[Any, Any, Any], cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT, only_open: Open = False
) -> RequestPage:
    """What was asked, by whom and until when the law wants it done."""
    caller, registry, _ = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.page(session, vault, caller.tenant_id, cursor=cursor, limit=limit, only_open=only_open)


@get(
    "/{request_id:uuid}",
    operation_id="get_privacy_request",
    summary="Read a request about personal data",
    guards=[WRITE],
    opt={REFUSES: (PrivacyRequestNotFound,)},
    response_description="The request as it stands",
)
async def get_privacy_request(request: Request[Any, Any, Any], request_id: Id) -> RequestOut:
    """One request, with what an erasure has done and what it waits for."""
    caller, registry, _ = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.get(session, vault, caller.tenant_id, request_id)


@get(
    "/{request_id:uuid}/export",
    operation_id="export_personal_data",
    summary="Export everything kept about the citizen of a request",
    guards=[WRITE],
    opt={REFUSES: (PrivacyRequestNotFound, CitizenGone)},
    response_description="Everything that is kept, by kind",
)
async def export_personal_data(request: Request[Any, Any, Any], request_id: Id) -> Export:
    """The document to hand to the citizen, made anew each time and kept nowhere; that it was made is in the audit trail."""
    caller, registry, actor = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        row = await handle.held(session, caller.tenant_id, request_id)
        made = await export(session, vault, caller.tenant_id, row.citizen_id)
        await note(session, caller.tenant_id, actor=actor, act="privacy.exported", subject=f"privacy:{row.code}")
        return made


@post(
    "/{request_id:uuid}/erase",
    operation_id="erase_personal_data",
    summary="Erase what is kept about the citizen of a request",
    guards=[WRITE],
    opt={REFUSES: (*ACTS, CitizenGone)},
    status_code=200,
    response_description="The request; `waits` says what keeps it from ending, which is tried again daily",
)
async def erase_personal_data(request: Request[Any, Any, Any], request_id: Id) -> RequestOut:
    """Step by step, for good. Dossiers, audit and the evidence of consent stay, without the person where the law allows."""
    caller, registry, actor = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        await erase.begin(session, caller.tenant_id, request_id, actor=actor)
    await erase.run(registry, caller.tenant_id, request_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.get(session, vault, caller.tenant_id, request_id)


@post(
    "/{request_id:uuid}/done",
    operation_id="finish_privacy_request",
    summary="Say that a request was carried out",
    guards=[WRITE],
    opt={REFUSES: ACTS},
    status_code=200,
    response_description="The request as it stands now",
)
async def finish_privacy_request(request: Request[Any, Any, Any], request_id: Id, data: Finished) -> RequestOut:
    """For everything but an erasure, which ends by itself."""
    caller, registry, actor = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        await handle.finish(session, vault, caller.tenant_id, request_id, state="done", words=data.note, actor=actor)
        return await queries.get(session, vault, caller.tenant_id, request_id)


@post(
    "/{request_id:uuid}/refuse",
    operation_id="refuse_privacy_request",
    summary="Refuse a request with a reason",
    guards=[WRITE],
    opt={REFUSES: ACTS},
    status_code=200,
    response_description="The request as it stands now",
)
async def refuse_privacy_request(request: Request[Any, Any, Any], request_id: Id, data: Reason) -> RequestOut:
    """Where a law forbids it; the reason is kept with the request."""
    caller, registry, actor = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        await handle.finish(
            session, vault, caller.tenant_id, request_id, state="refused", words=data.reason, actor=actor
        )
        return await queries.get(session, vault, caller.tenant_id, request_id)


@post(
    "/{request_id:uuid}/extend",
    operation_id="extend_privacy_request",
    summary="Extend a request once",
    guards=[WRITE],
    opt={REFUSES: ACTS},
    status_code=200,
    response_description="The request with its new date",
)
async def extend_privacy_request(request: Request[Any, Any, Any], request_id: Id, data: Reason) -> RequestOut:
    """The one extension that the law allows."""
    caller, registry, actor = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        await handle.extend(session, vault, caller.tenant_id, request_id, words=data.reason, actor=actor)
        return await queries.get(session, vault, caller.tenant_id, request_id)


router = Router(
    "/v1/privacy-requests",
    route_handlers=[
        list_privacy_requests, get_privacy_request, export_personal_data, erase_personal_data, finish_privacy_request,
        refuse_privacy_request, extend_privacy_request,
    ],
    tags=["Privacy"],
)  # fmt: skip
