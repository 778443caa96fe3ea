"""`/v1/dossiers`: what one-stop systems push and read; the tenant is the key's tenant."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Router, delete, get, post, put
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.citizens.consent import PhoneInvalid
from govchat.db.session import after_commit
from govchat.dossiers import batch, intake, queries
from govchat.dossiers.codes import CodeInvalid
from govchat.dossiers.private import DossierDamaged
from govchat.dossiers.queries import DossierNotFound
from govchat.dossiers.schemas import (
    Batch,
    BatchResults,
    DossierIn,
    DossierOut,
    DossierPage,
    EventPage,
    FollowerIn,
    FollowerOut,
    Followers,
    Linked,
    Put,
    Unlinked,
)
from govchat.dossiers.together import Together, TooManyWaiting
from govchat.kit import clock
from govchat.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT, CursorInvalid
from govchat.kit.queue import SEND, Bell
from govchat.notices import follow
from govchat.procedures.book import Book
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


Agreed = Annotated[
    FollowerIn,
    Body(
        media_type=RequestEncodingType.JSON,
        examples=[
            Example(summary="A signed slip", value={"phone": "0912345678", "evidence": "Phiếu đồng ý số 12/2026"})
        ],
    ),
]
FollowerId = Annotated[UUID, PathParameter(description="The `id` of a follower")]
Evidence = Annotated[
    str | None, QueryParameter(min_length=3, max_length=200, description="The officer's record of the wish")
]


@put(
    "/{code:str}",
    operation_id="put_dossier",
    summary="Create or update a dossier",
    guards=[RequireScope("dossiers:write")],
    opt={REFUSES: (CodeInvalid, TooManyWaiting)},
    status_code=200,
    response_description="What putting it did",
)
async def put_dossier(request: Request[Any, Any, Any], code: Code, data: Pushed) -> Put:
    """Tell what the system of record knows now. A `changed_at` older than what is stored is `stale` and changes nothing."""
    caller: Caller = request.state.caller
    together: Together = request.app.state.together
    return await together.put(caller.tenant_id, code, data, test=caller.mode == "test")


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
    caller, registry, book = called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        done = await batch.put_batch(session, vault, caller.tenant_id, book, data.items, test=caller.mode == "test")
        ring(request, session, sum(each.notices for each in done))
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
    caller, registry, book = called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.page(session, vault, caller.tenant_id, book, cursor=cursor, limit=limit, flagged=flagged)


@get(
    "/{code:str}",
    operation_id="get_dossier",
    summary="Read a dossier",
    guards=[RequireScope("dossiers:read")],
    opt={REFUSES: (CodeInvalid, DossierNotFound, DossierDamaged)},
    response_description="The dossier as stored",
)
async def get_dossier(request: Request[Any, Any, Any], code: Code) -> DossierOut:
    """One dossier by its code, in any written shape."""
    caller, registry, book = called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.get(session, vault, caller.tenant_id, book, code)


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
    caller, registry, _ = called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.events(session, vault, caller.tenant_id, code, cursor=cursor, limit=limit)


@post(
    "/{code:str}/followers",
    operation_id="link_follower",
    summary="Link a follower at the counter",
    guards=[RequireScope("dossiers:write")],
    opt={REFUSES: (CodeInvalid, DossierNotFound, PhoneInvalid)},
    status_code=200,
    response_description="Who follows the dossier from now on",
)
async def link_follower(request: Request[Any, Any, Any], code: Code, data: Agreed) -> Linked:
    """For an applicant who agreed in writing: they are told of every change from now on, and can end it with one message.

    With a test key everything is checked and nobody linked.
    """
    caller, registry, _ = called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        dossier = await queries.row_of(session, caller.tenant_id, code)
        actor, now = f"key:{caller.prefix}", clock.now()
        trying = await session.begin_nested()
        linked = await follow.link(
            session,
            vault,
            caller.tenant_id,
            dossier.id,
            data.phone,
            actor=actor,
            at=now,
            evidence=data.evidence,
            agrees_to=data.agrees_to,
        )
        await _ended(trying, caller)
    return Linked(linked)


@get(
    "/{code:str}/followers",
    operation_id="list_followers",
    summary="Read who follows a dossier",
    guards=[RequireScope("dossiers:read")],
    opt={REFUSES: (CodeInvalid, DossierNotFound)},
    response_description="Everybody who is told of its changes, without names and numbers",
)
async def list_followers(request: Request[Any, Any, Any], code: Code) -> Followers:
    """How many are told of a change, and by what right."""
    caller, registry, _ = called(request)
    async with registry.db.tenant(caller.tenant_id) as session:
        dossier = await queries.row_of(session, caller.tenant_id, code)
        found = await follow.followers(session, caller.tenant_id, dossier.id)
    return Followers([msgspec.convert(each, FollowerOut, from_attributes=True) for each in found])


@delete(
    "/{code:str}/followers/{follower_id:uuid}",
    operation_id="unlink_follower",
    summary="End a follower's notices at the counter",
    guards=[RequireScope("dossiers:write")],
    opt={REFUSES: (CodeInvalid, DossierNotFound)},
    status_code=200,
    response_description="Whether there was something to end",
)
async def unlink_follower(
    request: Request[Any, Any, Any], code: Code, follower_id: FollowerId, evidence: Evidence = None
) -> Unlinked:
    """For somebody who asked at the counter; what still waits is not said. With their last dossier consent is withdrawn."""
    caller, registry, _ = called(request)
    async with registry.db.tenant(caller.tenant_id) as session:
        dossier = await queries.row_of(session, caller.tenant_id, code)
        actor, now = f"key:{caller.prefix}", clock.now()
        trying = await session.begin_nested()
        ended = await follow.unlink(
            session, caller.tenant_id, follower_id, dossier.code_key, actor=actor, at=now, evidence=evidence or actor
        )
        await _ended(trying, caller)
    return Unlinked(ended)


async def _ended(trying: AsyncSessionTransaction, caller: Caller) -> None:
    """A test key tries everything and consents for nobody: real people stand behind telephone numbers."""
    await (trying.rollback() if caller.mode == "test" else trying.commit())


def called(request: Request[Any, Any, Any]) -> tuple[Caller, Registry, Book]:
    """Who calls, and what a route needs."""
    return request.state.caller, request.app.state.registry, request.app.state.book


def ring(request: Request[Any, Any, Any], session: AsyncSession, notices: int) -> None:
    """Have what was planned sent as soon as it is committed; what a test key caused is never sent."""
    caller: Caller = request.state.caller
    bell: Bell = request.app.state.bell
    if notices and caller.mode != "test":
        after_commit(session, partial(bell.soon, SEND, caller.tenant_id))


router = Router(
    "/v1/dossiers",
    route_handlers=[
        put_dossier,
        put_dossiers,
        list_dossiers,
        get_dossier,
        list_dossier_events,
        link_follower,
        list_followers,
        unlink_follower,
    ],
    tags=["Dossiers"],
)
