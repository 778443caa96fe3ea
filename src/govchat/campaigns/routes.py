"""`/v1/campaigns`: broadcasts are drafted, estimated, tried out, approved by a second key, and steered; the tenant is the key's tenant."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.campaigns import estimate as estimating
from govchat.campaigns import lists, pictures, queries, sheet, steer
from govchat.campaigns.draft import draft
from govchat.campaigns.models import CampaignRow
from govchat.campaigns.refusals import (
    AudienceListUnreadable,
    CampaignAudienceInvalid,
    CampaignEmergencyReserved,
    CampaignMessageInvalid,
    CampaignNeedsSecondPerson,
    CampaignNoTesters,
    CampaignNotFound,
    CampaignOverBudget,
    CampaignPicturePending,
    CampaignStateConflict,
)
from govchat.campaigns.schemas import (
    CampaignIn,
    CampaignOut,
    CampaignPage,
    Estimate,
    LabelsOut,
    ListOut,
    PictureOut,
    TestIn,
    TestOut,
)
from govchat.campaigns.try_out import try_out
from govchat.files.check import FileRefused, FileTooLarge
from govchat.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT, CursorInvalid
from govchat.procedures.book import Book
from govchat.tenants.registry import Registry

READ, WRITE, APPROVE = (RequireScope(f"campaigns:{each}") for each in ("read", "write", "approve"))
Id = Annotated[UUID, PathParameter(description="The campaign's id")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=400, description="`next_cursor` of the page before; none for the first page")
]
Limit = Annotated[int, QueryParameter(ge=1, le=LARGEST_LIMIT, description="The most items of a page")]
ListName = Annotated[str, QueryParameter(min_length=1, max_length=200, description="What the list is called")]
JSON = RequestEncodingType.JSON
STORM = {
    "name": "Cảnh báo bão số 9",
    "class": "emergency",
    "message": {
        "text": "Bão số 9 dự kiến vào đất liền tối nay. Đề nghị {ten} ở {xa} không ra khỏi nhà sau 18 giờ.",
        "buttons": [{"title": "Điểm sơ tán", "url": "https://lamdong.gov.vn/bao-so-9"}],
    },
    "audience": {"segment": {"communes": ["Phường Xuân Hương - Đà Lạt"]}},
}
New = Annotated[CampaignIn, Body(media_type=JSON, examples=[Example(summary="A storm warning", value=STORM)])]
Tried = Annotated[TestIn, Body(media_type=JSON, examples=[Example(summary="To every tester", value={})])]
Act = Callable[[AsyncSession], Awaitable[CampaignRow]]


def _at_hand(request: Request[Any, Any, Any]) -> tuple[Registry, Caller, str]:
    caller: Caller = request.state.caller
    return request.app.state.registry, caller, f"key:{caller.prefix}"


@post(
    "/",
    operation_id="draft_campaign",
    summary="Draft a campaign",
    guards=[WRITE],
    opt={REFUSES: (CampaignMessageInvalid, CampaignAudienceInvalid)},
    response_description="The draft; nothing is sent",
)
async def draft_campaign(request: Request[Any, Any, Any], data: New) -> CampaignOut:
    """Words and audience are checked and kept. Another key with `campaigns:approve` releases it; one made by a test key is never sent."""
    registry, caller, actor = _at_hand(request)
    book: Book = request.app.state.book
    vault = await registry.tenant_vault(caller.tenant_id)
    view = await book.fresh(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await draft(
            session, vault, caller.tenant_id, data, view, actor=actor, test=caller.mode == "test",
            allow_insecure=not registry.settings.is_production,
        )  # fmt: skip


@get(
    "/",
    operation_id="list_campaigns",
    summary="List campaigns",
    guards=[READ],
    opt={REFUSES: (CursorInvalid,)},
    response_description="A page, newest first",
)
async def list_campaigns(
    request: Request[Any, Any, Any], cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> CampaignPage:
    """Page by page with `cursor`."""
    registry, caller, _ = _at_hand(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.page(session, vault, caller.tenant_id, cursor=cursor, limit=limit)


@get(
    "/{campaign_id:uuid}",
    operation_id="get_campaign",
    summary="Read a campaign",
    guards=[READ],
    opt={REFUSES: (CampaignNotFound,)},
    response_description="The campaign with its counts of this moment",
)
async def get_campaign(request: Request[Any, Any, Any], campaign_id: Id) -> CampaignOut:
    """Cheap to ask often, however many recipients there are."""
    registry, caller, _ = _at_hand(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.get(session, vault, caller.tenant_id, campaign_id)


@get(
    "/{campaign_id:uuid}/estimate",
    operation_id="estimate_campaign",
    summary="Estimate a campaign",
    guards=[READ],
    opt={REFUSES: (CampaignNotFound,)},
    response_description="Recipients, ways, cost and time if it were sent now",
)
async def estimate_campaign(request: Request[Any, Any, Any], campaign_id: Id) -> Estimate:
    """Who would be told and how, who is left out and why, what it costs and how long it takes at the account's rate."""
    registry, caller, _ = _at_hand(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    tenant = await registry.by_id(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await estimating.estimate(session, vault, tenant, campaign_id)


@post(
    "/{campaign_id:uuid}/test",
    operation_id="test_campaign",
    summary="Send it to testers",
    guards=[WRITE],
    status_code=202,
    opt={REFUSES: (CampaignNotFound, CampaignNoTesters, CampaignPicturePending, CampaignMessageInvalid)},
    response_description="To how many it is on its way",
)
async def test_campaign(request: Request[Any, Any, Any], campaign_id: Id, data: Tried) -> TestOut:
    """The very message, to people on the province's list of testers alone, at once. Asked by a test key, nothing goes to Zalo."""
    registry, caller, actor = _at_hand(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    tenant = await registry.by_id(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await try_out(
            session, vault, tenant, campaign_id, data.user_ids, actor=actor, from_test_key=caller.mode == "test",
            allow_insecure=not registry.settings.is_production,
        )  # fmt: skip


@post(
    "/{campaign_id:uuid}/approve",
    operation_id="approve_campaign",
    summary="Approve a campaign",
    guards=[APPROVE],
    status_code=200,
    opt={
        REFUSES: (
            CampaignNotFound,
            CampaignNeedsSecondPerson,
            CampaignEmergencyReserved,
            CampaignOverBudget,
            CampaignStateConflict,
        )
    },
    response_description="The campaign, approved or scheduled",
)
async def approve_campaign(request: Request[Any, Any, Any], campaign_id: Id) -> CampaignOut:
    """By another key than the one that drafted it. It begins now, or at `send_at`."""
    return await _steered(request, campaign_id, steer.approve)


@post(
    "/{campaign_id:uuid}/pause",
    operation_id="pause_campaign",
    summary="Pause a campaign",
    guards=[WRITE],
    status_code=200,
    opt={REFUSES: (CampaignNotFound, CampaignStateConflict)},
    response_description="The campaign, paused",
)
async def pause_campaign(request: Request[Any, Any, Any], campaign_id: Id) -> CampaignOut:
    """Nobody else is told until it is resumed; what is on its way to Zalo at this moment arrives."""
    return await _steered(request, campaign_id, steer.pause)


@post(
    "/{campaign_id:uuid}/resume",
    operation_id="resume_campaign",
    summary="Resume a campaign",
    guards=[WRITE],
    status_code=200,
    opt={REFUSES: (CampaignNotFound, CampaignStateConflict)},
    response_description="The campaign, going on",
)
async def resume_campaign(request: Request[Any, Any, Any], campaign_id: Id) -> CampaignOut:
    """It goes on where it was paused; nobody is told twice."""
    return await _steered(request, campaign_id, steer.resume)


@post(
    "/{campaign_id:uuid}/cancel",
    operation_id="cancel_campaign",
    summary="Cancel a campaign",
    guards=[WRITE],
    status_code=200,
    opt={REFUSES: (CampaignNotFound, CampaignStateConflict)},
    response_description="The campaign, cancelled",
)
async def cancel_campaign(request: Request[Any, Any, Any], campaign_id: Id) -> CampaignOut:
    """For good: whoever has not been told is not told any more."""
    return await _steered(request, campaign_id, steer.cancel)


async def _steered(
    request: Request[Any, Any, Any], campaign_id: UUID, act: Callable[..., Awaitable[CampaignRow]]
) -> CampaignOut:
    """Carry out an act; one of a test key on a campaign that would reach people is answered as if, and undone."""
    registry, caller, actor = _at_hand(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        row = await queries.row_of(session, caller.tenant_id, campaign_id)
        as_if = caller.mode == "test" and not row.test
        inside = await session.begin_nested()
        row = await act(session, caller.tenant_id, campaign_id, actor=actor)
        shown = await queries.show(session, vault, caller.tenant_id, row)
        await (inside.rollback() if as_if else inside.commit())
        return shown


@post(
    "/lists",
    operation_id="upload_audience_list",
    summary="Upload a list of people",
    guards=[WRITE],
    opt={REFUSES: (AudienceListUnreadable,)},
    response_description="The list, and what is wrong with lines that name nobody here",
)
async def upload_list(request: Request[Any, Any, Any], name: ListName = "list") -> ListOut:
    """The body is the file itself, CSV or XLSX: a column "Mã Zalo" or "Số điện thoại", and "Họ và tên", "Xã" for the words."""
    registry, caller, actor = _at_hand(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    lines = await asyncio.to_thread(sheet.read, await request.body())
    async with registry.db.tenant(caller.tenant_id) as session:
        return await lists.take_file(session, vault, caller.tenant_id, name, lines, actor=actor)


@post(
    "/labels",
    operation_id="label_citizens",
    summary="Label citizens",
    guards=[WRITE],
    status_code=200,
    opt={REFUSES: (AudienceListUnreadable,)},
    response_description="How many were labelled, and lines that name nobody here",
)
async def label_citizens(request: Request[Any, Any, Any]) -> LabelsOut:
    """The body is a CSV or XLSX file: who ("Mã Zalo" or "Số điện thoại"), and "Xã" or "Nhãn" (tags, separated by commas)."""
    registry, caller, actor = _at_hand(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    content = await request.body()
    lines = await asyncio.to_thread(lambda: sheet.read(content, needs=("commune", "tags")))
    async with registry.db.tenant(caller.tenant_id) as session:
        return await lists.label_people(session, vault, caller.tenant_id, lines, actor=actor)


@post(
    "/pictures",
    operation_id="upload_campaign_picture",
    summary="Upload a picture",
    guards=[WRITE],
    opt={REFUSES: (FileRefused, FileTooLarge, CampaignMessageInvalid)},
    response_description="The picture's id, for `message.picture_id`",
)
async def upload_picture(request: Request[Any, Any, Any]) -> PictureOut:
    """The body is the picture itself, JPEG, PNG or WebP. It is drawn anew and handed to Zalo within seconds."""
    registry, caller, actor = _at_hand(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    content = await request.body()
    async with registry.db.tenant(caller.tenant_id) as session:
        return await pictures.keep(session, vault, caller.tenant_id, content, actor=actor)


router = Router(
    "/v1/campaigns",
    route_handlers=[
        draft_campaign, list_campaigns, get_campaign, estimate_campaign, test_campaign, approve_campaign, pause_campaign,
        resume_campaign, cancel_campaign, upload_list, label_citizens, upload_picture,
    ],
    tags=["Campaigns"],
)  # fmt: skip
