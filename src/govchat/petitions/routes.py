"""`/v1/petitions`: what offices read and do; the tenant is the key's tenant."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.files import keep
from govchat.files.store import FileNotThere, FilesAway, Store
from govchat.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT, CursorInvalid
from govchat.petitions import handle, queries
from govchat.petitions.change import PetitionMoveRefused, PetitionNotFound
from govchat.petitions.schemas import (
    Answer,
    Assign,
    Close,
    EventPage,
    Forward,
    Merge,
    PetitionOut,
    PetitionPage,
)
from govchat.tenants.registry import Registry

READ, WRITE = RequireScope("petitions:read"), RequireScope("petitions:write")
ACTS = (PetitionNotFound, PetitionMoveRefused)

Code = Annotated[str, PathParameter(max_length=40, description="Mã phản ánh, such as PA-K7PX2-M9QD4")]
Id = Annotated[UUID, PathParameter(description="The file's id, from `photos`")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=400, description="`next_cursor` of the page before; none for the first page")
]
Limit = Annotated[int, QueryParameter(ge=1, le=LARGEST_LIMIT, description="The most items of a page")]
State = Annotated[
    Literal["received", "assigned", "answered", "reopened", "confirmed", "closed", "forwarded", "merged"] | None,
    QueryParameter(description="Only petitions in this state"),
]
Unit = Annotated[str | None, QueryParameter(max_length=200, description="Only those that this office handles")]
Category = Annotated[str | None, QueryParameter(max_length=60, description="Only those of this category")]
Overdue = Annotated[bool, QueryParameter(description="Only open ones whose date has passed")]
Unreached = Annotated[
    bool, QueryParameter(description="Only those whose citizen could not be told: call or write instead")
]

JSON = RequestEncodingType.JSON
ASSIGN = {"unit": "Phòng Kinh tế, Hạ tầng và Đô thị", "officer": "Trần Văn An"}
ANSWER = {"text": "Đội duy tu đã vá mặt đường ngày 24/11/2026. Cảm ơn anh/chị đã phản ánh.", "officer": "Trần Văn An"}
CLOSE = {"reason": "Nội dung không nêu rõ địa điểm; cơ quan đã hỏi lại nhưng chưa nhận được trả lời."}
FORWARD = {"to": "Công ty Điện lực Lâm Đồng", "note": "Sự cố thuộc lưới điện do Công ty quản lý."}
MERGE = {"into": "PA-K7PX2-M9QD4"}
Assigned = Annotated[Assign, Body(media_type=JSON, examples=[Example(summary="To an office", value=ASSIGN)])]
Answered = Annotated[Answer, Body(media_type=JSON, examples=[Example(summary="An answer", value=ANSWER)])]
Closed = Annotated[Close, Body(media_type=JSON, examples=[Example(summary="Unfit", value=CLOSE)])]
Forwarded = Annotated[Forward, Body(media_type=JSON, examples=[Example(summary="Elsewhere", value=FORWARD)])]
Merged = Annotated[Merge, Body(media_type=JSON, examples=[Example(summary="The same matter", value=MERGE)])]


def _called(request: Request[Any, Any, Any]) -> tuple[Caller, Registry, str]:
    caller: Caller = request.state.caller
    return caller, request.app.state.registry, f"key:{caller.prefix}"


@get(
    "/",
    operation_id="list_petitions",
    summary="List petitions",
    guards=[READ],
    opt={REFUSES: (CursorInvalid,)},
    response_description="A page, in the order in which the petitions were filed",
)
async def list_petitions(
    request: Request[Any, Any, Any],
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
    only: State = None,
    unit: Unit = None,
    category: Category = None,
    overdue: Overdue = False,
    unreached: Unreached = False,
) -> PetitionPage:
    """Where each stands and until when, without what citizens wrote; `GET /v1/petitions/{code}` has that."""
    caller, registry, _ = _called(request)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.page(
            session, caller.tenant_id, cursor=cursor, limit=limit, state=only, unit=unit, category=category,
            overdue=overdue, unreached=unreached,
        )  # fmt: skip


@get(
    "/{code:str}",
    operation_id="get_petition",
    summary="Read a petition",
    guards=[READ],
    opt={REFUSES: (PetitionNotFound,)},
    response_description="The petition with its text, place and photos",
)
async def get_petition(request: Request[Any, Any, Any], code: Code) -> PetitionOut:
    """One petition in full. Who filed it is withheld when they asked for that."""
    caller, registry, _ = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.get(session, vault, caller.tenant_id, code)


@get(
    "/{code:str}/events",
    operation_id="list_petition_events",
    summary="Read what happened to a petition",
    guards=[READ],
    opt={REFUSES: (PetitionNotFound, CursorInvalid)},
    response_description="What happened, oldest first",
)
async def list_petition_events(
    request: Request[Any, Any, Any], code: Code, cursor: Cursor = None, limit: Limit = LARGEST_LIMIT
) -> EventPage:
    """Every act with its time, its office and its words."""
    caller, registry, _ = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.events(session, vault, caller.tenant_id, code, cursor=cursor, limit=limit)


@get(
    "/{code:str}/files/{file_id:uuid}",
    operation_id="get_petition_file",
    summary="Read a photo of a petition",
    guards=[READ],
    opt={REFUSES: (PetitionNotFound, FileNotThere, FilesAway)},
    response_description="The bytes of the file",
    media_type="application/octet-stream",
)
async def get_petition_file(request: Request[Any, Any, Any], code: Code, file_id: Id) -> Response[bytes]:
    """The bytes, cleaned when they came in; the type is that of their content."""
    caller, registry, _ = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        photo = await queries.photo(session, caller.tenant_id, code, file_id)
    content = await keep.read(Store.open(registry.settings), vault, caller.tenant_id, photo.id)
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=photo.media_type, headers=headers)


@post(
    "/{code:str}/assign",
    operation_id="assign_petition",
    summary="Assign a petition to an office",
    guards=[WRITE],
    opt={REFUSES: ACTS},
    status_code=200,
    response_description="The petition as it stands now",
)
async def assign_petition(request: Request[Any, Any, Any], code: Code, data: Assigned) -> PetitionOut:
    """The office has it from now on, also when another had it before."""
    caller, registry, actor = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        await handle.assign(session, vault, caller.tenant_id, code, data, actor=actor)
        return await queries.get(session, vault, caller.tenant_id, code)


@post(
    "/{code:str}/answer",
    operation_id="answer_petition",
    summary="Answer a petition",
    guards=[WRITE],
    opt={REFUSES: ACTS},
    status_code=200,
    response_description="The petition as it stands now; `delivery` says whether the citizen is told",
)
async def answer_petition(request: Request[Any, Any, Any], code: Code, data: Answered) -> PetitionOut:
    """The citizen reads it in the chat and says whether the matter is resolved. Answering again corrects it."""
    caller, registry, actor = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        await handle.answer(session, vault, caller.tenant_id, code, data, actor=actor, test=caller.mode == "test")
        return await queries.get(session, vault, caller.tenant_id, code)


@post(
    "/{code:str}/close",
    operation_id="close_petition",
    summary="Close a petition without an answer",
    guards=[WRITE],
    opt={REFUSES: ACTS},
    status_code=200,
    response_description="The petition as it stands now",
)
async def close_petition(request: Request[Any, Any, Any], code: Code, data: Closed) -> PetitionOut:
    """For what is unfit or no longer true. The citizen reads the reason and may reopen it."""
    caller, registry, actor = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        await handle.close(session, vault, caller.tenant_id, code, data, actor=actor, test=caller.mode == "test")
        return await queries.get(session, vault, caller.tenant_id, code)


@post(
    "/{code:str}/forward",
    operation_id="forward_petition",
    summary="Forward a petition to the competent authority",
    guards=[WRITE],
    opt={REFUSES: ACTS},
    status_code=200,
    response_description="The petition as it stands now",
)
async def forward_petition(request: Request[Any, Any, Any], code: Code, data: Forwarded) -> PetitionOut:
    """Within `forward_by`. The citizen reads where it went; handing it over is the office's."""
    caller, registry, actor = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        await handle.forward(session, vault, caller.tenant_id, code, data, actor=actor, test=caller.mode == "test")
        return await queries.get(session, vault, caller.tenant_id, code)


@post(
    "/{code:str}/merge",
    operation_id="merge_petition",
    summary="Merge a petition into another",
    guards=[WRITE],
    opt={REFUSES: ACTS},
    status_code=200,
    response_description="The petition as it stands now",
)
async def merge_petition(request: Request[Any, Any, Any], code: Code, data: Merged) -> PetitionOut:
    """Both are the same matter: the answer to the other one goes to this citizen, too."""
    caller, registry, actor = _called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        await handle.merge(session, vault, caller.tenant_id, code, data, actor=actor, test=caller.mode == "test")
        return await queries.get(session, vault, caller.tenant_id, code)


router = Router(
    "/v1/petitions",
    route_handlers=[
        list_petitions, get_petition, list_petition_events, get_petition_file, assign_petition, answer_petition,
        close_petition, forward_petition, merge_petition,
    ],
    tags=["Petitions"],
)  # fmt: skip
