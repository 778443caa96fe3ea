"""`/v1/campaigns`: broadcasts are drafted, estimated, tried out, approved by a second key, and steered; the tenant is the key's tenant."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Router, delete, get, post, put
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.campaigns import label, lists, pictures, queries, sheet, steer
from govchat.campaigns.draft import draft
from govchat.campaigns.estimate import estimate
from govchat.campaigns.models import CampaignRow
from govchat.campaigns.refusals import (
    AudienceListUnreadable,
    CampaignAudienceInvalid,
    CampaignCitizenUnknown,
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
    AllLabels,
    CampaignIn,
    CampaignOut,
    CampaignPage,
    Dropped,
    Estimate,
    LabelKind,
    LabelsOut,
    ListOut,
    PersonLabels,
    PersonLabelsIn,
    PictureOut,
    TestIn,
    TestOut,
)
from govchat.campaigns.try_out import try_out
from govchat.errors import DomainError
from govchat.files.check import FileRefused, FileTooLarge
from govchat.kit.crypto import TenantVault
from govchat.kit.paging import DEFAULT_LIMIT, LARGEST_LIMIT, CursorInvalid
from govchat.procedures.book import Book
from govchat.tenants.registry import Registry, Tenant

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
TheirLabels = Annotated[
    PersonLabelsIn,
    Body(
        media_type=JSON,
        examples=[Example(summary="A head of village", value={"commune": "Xã Tân Hà", "tags": ["trưởng thôn"]})],
    ),
]
User = Annotated[str, PathParameter(max_length=128, description="Zalo's id of the citizen")]
Kind = Annotated[LabelKind, QueryParameter(description="`commune` or `tag`")]
LabelName = Annotated[str, QueryParameter(min_length=1, max_length=60, description="The label")]
Act = Callable[..., Awaitable[CampaignRow]]


class Steering(msgspec.Struct, frozen=True):
    """What is told of an act that moves a campaign on."""

    description: str
    outcome: str
    refuses: tuple[type[DomainError], ...] = ()


class Desk(msgspec.Struct, frozen=True):
    """Who asks, and a session of their province in which everything happens."""

    session: AsyncSession
    registry: Registry
    vault: TenantVault
    tenant: Tenant
    caller: Caller

    @property
    def actor(self) -> str:
        """As the audit trail names them."""
        return f"key:{self.caller.prefix}"

    @property
    def tests(self) -> bool:
        """Whether a test key asks."""
        return self.caller.mode == "test"

    @property
    def insecure(self) -> bool:
        """Whether addresses of this machine are taken: in development."""
        return not self.registry.settings.is_production


@asynccontextmanager
async def _desk(request: Request[Any, Any, Any]) -> AsyncIterator[Desk]:
    registry: Registry = request.app.state.registry
    caller: Caller = request.state.caller
    vault = await registry.tenant_vault(caller.tenant_id)
    tenant = await registry.by_id(caller.tenant_id)
    async with registry.db.tenant(tenant.id) as session:
        yield Desk(session, registry, vault, tenant, caller)


@asynccontextmanager
async def _as_if(desk: Desk, when: bool) -> AsyncIterator[None]:
    """What happens inside is undone at its end, when a test key's act would reach people."""
    inside = await desk.session.begin_nested()
    yield
    await (inside.rollback() if when else inside.commit())


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
    book: Book = request.app.state.book
    view = await book.fresh(request.state.caller.tenant_id)
    async with _desk(request) as at:
        return await draft(
            at.session, at.vault, at.tenant.id, data, view, actor=at.actor, test=at.tests, allow_insecure=at.insecure
        )


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
    async with _desk(request) as at:
        return await queries.page(at.session, at.vault, at.tenant.id, cursor=cursor, limit=limit)


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
    async with _desk(request) as at:
        return await queries.get(at.session, at.vault, at.tenant.id, campaign_id)


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
    async with _desk(request) as at:
        return await estimate(at.session, at.vault, at.tenant, campaign_id)


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
    async with _desk(request) as at:
        return await try_out(
            at.session, at.vault, at.tenant, campaign_id, data.user_ids, actor=at.actor, from_test_key=at.tests,
            allow_insecure=at.insecure,
        )  # fmt: skip


def _steering(name: str, act: Act, guard: RequireScope, told: Steering) -> HTTPRouteHandler:
    """The route of one act that moves a campaign on; that of a test key on one that would reach people is answered as if, and undone."""

    async def steered(request: Request[Any, Any, Any], campaign_id: Id) -> CampaignOut:
        async with _desk(request) as at:
            row = await queries.row_of(at.session, at.tenant.id, campaign_id)
            async with _as_if(at, at.tests and not row.test):
                role = {"scopes": at.caller.scopes} if act is steer.approve else {}
                row = await act(at.session, at.tenant.id, campaign_id, actor=at.actor, **role)
                return await queries.show(at.session, at.vault, at.tenant.id, row)

    steered.__name__, steered.__doc__ = f"{name}_campaign", told.description
    return post(
        f"/{{campaign_id:uuid}}/{name}",
        operation_id=f"{name}_campaign",
        summary=f"{name.capitalize()} a campaign",
        guards=[guard],
        status_code=200,
        opt={REFUSES: (CampaignNotFound, *told.refuses, CampaignStateConflict)},
        response_description=f"The campaign, {told.outcome}",
    )(steered)


STEERING = [
    _steering(
        "approve", steer.approve, APPROVE,
        Steering(
            "By another key than the one that drafted it. It begins now, or at `send_at`. An emergency may be reserved to those whom the "
            "province has named, or to keys with `campaigns:emergency`.",
            "approved or scheduled", (CampaignNeedsSecondPerson, CampaignEmergencyReserved, CampaignOverBudget),
        ),
    ),
    _steering("start", steer.start, APPROVE, Steering("A scheduled campaign begins now instead of at its time.", "about to begin")),
    _steering(
        "pause", steer.pause, WRITE,
        Steering("Nobody else is told until it is resumed; what is on its way to Zalo at this moment arrives.", "paused"),
    ),
    _steering("resume", steer.resume, WRITE, Steering("It goes on where it was paused; nobody is told twice.", "going on")),
    _steering("cancel", steer.cancel, WRITE, Steering("For good: whoever has not been told is not told any more.", "cancelled")),
]  # fmt: skip


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
    lines = await asyncio.to_thread(sheet.read, await request.body())
    async with _desk(request) as at:
        return await lists.take(at.session, at.vault, at.tenant.id, name, lines, actor=at.actor)


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
    content = await request.body()
    async with _desk(request) as at:
        return await pictures.keep(at.session, at.vault, at.tenant.id, content, actor=at.actor)


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
    content = await request.body()
    lines = await asyncio.to_thread(lambda: sheet.read(content, needs=("commune", "tags")))
    async with _desk(request) as at, _as_if(at, at.tests):
        return await label.label_people(at.session, at.vault, at.tenant.id, lines, actor=at.actor)


@get(
    "/labels",
    operation_id="list_labels",
    summary="List labels",
    guards=[READ],
    response_description="Communes and tags, and how many citizens carry each",
)
async def list_labels(request: Request[Any, Any, Any]) -> AllLabels:
    """What `communes` and `tags` of a segment can name."""
    async with _desk(request) as at:
        return AllLabels(items=await label.all_labels(at.session, at.tenant.id))


@delete(
    "/labels",
    operation_id="drop_label",
    summary="Drop a label",
    guards=[WRITE],
    status_code=200,
    response_description="From how many citizens it was taken",
)
async def drop_label(request: Request[Any, Any, Any], kind: Kind, name: LabelName) -> Dropped:
    """Nobody carries it any more; case and diacritics don't matter."""
    async with _desk(request) as at, _as_if(at, at.tests):
        return Dropped(citizens=await label.drop_label(at.session, at.tenant.id, kind, name, actor=at.actor))


@get(
    "/labels/{user_id:str}",
    operation_id="get_citizen_labels",
    summary="Read a citizen's labels",
    guards=[READ],
    opt={REFUSES: (CampaignCitizenUnknown,)},
    response_description="Where they live, and tags",
)
async def get_citizen_labels(request: Request[Any, Any, Any], user_id: User) -> PersonLabels:
    """By Zalo's id of the citizen."""
    async with _desk(request) as at:
        return await label.labels_of(at.session, at.tenant.id, user_id)


@put(
    "/labels/{user_id:str}",
    operation_id="put_citizen_labels",
    summary="Set a citizen's labels",
    guards=[WRITE],
    opt={REFUSES: (CampaignCitizenUnknown,)},
    response_description="The labels as they are now",
)
async def put_citizen_labels(request: Request[Any, Any, Any], user_id: User, data: TheirLabels) -> PersonLabels:
    """These labels and no others."""
    async with _desk(request) as at, _as_if(at, at.tests):
        return await label.put_labels(at.session, at.tenant.id, user_id, data, actor=at.actor)


router = Router(
    "/v1/campaigns",
    route_handlers=[
        draft_campaign, list_campaigns, get_campaign, estimate_campaign, test_campaign, *STEERING, upload_list, upload_picture,
        label_citizens, list_labels, drop_label, get_citizen_labels, put_citizen_labels,
    ],
    tags=["Campaigns"],
)  # fmt: skip
