"""`/v1/national`: a second address for what one-stop systems already send to the National Portal.

Their clients know an address, a name and a password, one address for every service, and sessions: see `vendor` for who calls.
"""

from typing import Annotated, Any

from litestar import Request, Router, post
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter
from msgspec import UNSET, Raw

from govchat.access.guards import IDENTIFY, REFUSES, RequireScope
from govchat.dossiers import intake
from govchat.dossiers.national import look, read, vendor
from govchat.dossiers.national.schemas import WELL, Answer, Envelope, Looked, Opened
from govchat.dossiers.routes import called, ring

DOSSIER = {
    "MaHoSo": "H19.12-261120-0007",
    "MaTTHC": "1.013225",
    "TenTTHC": "Cấp giấy phép xây dựng mới",
    "ChuHoSo": "Trịnh Thị Phương Hiền",
    "LoaiDoiTuong": "1",
    "SoDienThoai": "0912345678",
    "NgayTiepNhan": "20261120091200",
    "NgayHenTra": "20261201170000",
    "TrangThaiHoSo": "2",
    "DonViXuLy": "Sở Xây dựng",
    "GhiChu": "",
}
STEP = {
    "MaHoSo": "H19.12-261120-0007",
    "NguoiXuLy": "Trần Văn An",
    "ChucDanh": "Chuyên viên",
    "ThoiDiemXuLy": "20261123083000",
    "PhongBanXuLy": "Sở Xây dựng",
    "NoiDungXuLy": "Đang thẩm định tại hiện trường",
    "TrangThai": "4",
}
_SHAPE = "One entry, a list of them, or an object whose `data` is either. Fields that are not known are skipped"
Dossiers = Annotated[
    list[Raw] | Envelope,
    Body(
        media_type=RequestEncodingType.JSON,
        description=_SHAPE,
        examples=[Example(summary="One dossier", value={"isUpdating": "false", "data": [DOSSIER]})],
    ),
]
Steps = Annotated[
    list[Raw] | Envelope,
    Body(
        media_type=RequestEncodingType.JSON,
        description=_SHAPE,
        examples=[Example(summary="One step", value={"data": [STEP]})],
    ),
]
Spoken = Annotated[
    list[Raw] | Envelope,
    Body(
        media_type=RequestEncodingType.JSON,
        description="`service` says what is sent or asked for",
        examples=[
            Example(summary="One dossier", value={"session": "…", "service": "DongBoHoSoMC", "data": [DOSSIER]}),
            Example(
                summary="Is it here?", value={"session": "…", "service": "TraCuuHoSo", "mahoso": DOSSIER["MaHoSo"]}
            ),
        ],
    ),
]
Who = Annotated[
    vendor.Login,
    Body(
        media_type=RequestEncodingType.JSON,
        examples=[Example(summary="A login", value={"username": "motcua", "password": "gvc_live_…"})],
    ),
]
Key = Annotated[
    str, PathParameter(max_length=200, description="The API key, for a client that can set nothing but an address")
]
Service = Annotated[str, PathParameter(max_length=40, description="`DongBoHoSoMC` or `CapNhatTienDoHoSoMC`")]

_OPT: dict[str, Any] = {REFUSES: (read.PayloadUnfit,), IDENTIFY: vendor.by_vendor}
SYNCHRONISE, PROGRESS = "DongBoHoSoMC", "CapNhatTienDoHoSoMC"
_TAKE = {SYNCHRONISE: read.synchronise, PROGRESS: read.progress}
_SERVICES = {name.casefold(): name for name in (*_TAKE, look.DOSSIER, look.PROCEDURE)}


@post(
    "/login",
    operation_id="open_national_session",
    summary="Log in as to the National Portal",
    guards=[RequireScope("dossiers:write")],
    opt={IDENTIFY: vendor.by_login},
    status_code=200,
    response_description="The session, good for a day and as long as the key",
)
async def open_national_session(request: Request[Any, Any, Any], data: Who) -> Opened:
    """For clients of the portal's session protocol: `password` is the API key, `username` whatever the vendor likes."""
    return Opened(0, "Thành công", await vendor.open_session(request, data))


@post(
    "/DongBoHoSoMC",
    operation_id="synchronise_national_dossiers",
    summary="Take in dossiers in the National Portal's format",
    guards=[RequireScope("dossiers:write")],
    opt=_OPT,
    status_code=200,
    response_description="The portal's answer, and one for each entry",
)
async def synchronise_national_dossiers(request: Request[Any, Any, Any], data: Dossiers) -> Answer | Looked:
    """DongBoHoSoMC as it is sent to the portal. An entry that doesn't fit is answered with its field; the others are kept."""
    return await _served(request, data, SYNCHRONISE)


@post(
    "/CapNhatTienDoHoSoMC",
    operation_id="update_national_progress",
    summary="Take in steps of dossiers in the National Portal's format",
    guards=[RequireScope("dossiers:write")],
    opt=_OPT,
    status_code=200,
    response_description="The portal's answer, and one for each entry",
)
async def update_national_progress(request: Request[Any, Any, Any], data: Steps) -> Answer | Looked:
    """CapNhatTienDoHoSoMC as it is sent to the portal, for dossiers that came with DongBoHoSoMC or any other way before."""
    return await _served(request, data, PROGRESS)


@post(
    "/",
    operation_id="exchange_national",
    summary="Take whatever is sent to the National Portal at one address",
    guards=[RequireScope("dossiers:write")],
    opt=_OPT,
    status_code=200,
    response_description="The portal's answer to that service",
)
async def exchange_national(request: Request[Any, Any, Any], data: Spoken) -> Answer | Looked:
    """The portal's one address: `service` is DongBoHoSoMC, CapNhatTienDoHoSoMC, or one of the look-ups TraCuuHoSo and LayThuTuc."""
    return await _served(request, data, None)


@post(
    "/{key:str}/{service:str}",
    operation_id="exchange_national_by_address",
    summary="The same with the key in the address",
    guards=[RequireScope("dossiers:write")],
    opt=_OPT,
    status_code=200,
    response_description="The portal's answer, and one for each entry",
)
async def exchange_national_by_address(
    request: Request[Any, Any, Any],
    key: Key,  # noqa: ARG001  for the description; `vendor` reads it
    service: Service,
    data: Dossiers,
) -> Answer | Looked:
    """For clients that can set nothing but an address. Give such a key `dossiers:write` alone: proxies may write addresses down."""
    named = _SERVICES.get(service.casefold())
    if named is None:
        raise _unknown(service)
    return await _served(request, data, named)


async def _served(request: Request[Any, Any, Any], sent: read.Sent, named: str | None) -> Answer | Looked:
    """What the body's `service` asks for, else what the address does."""
    spoken = str(sent.service or "") if isinstance(sent, Envelope) else ""
    service = _SERVICES.get(spoken.casefold(), named)
    if service is None:
        raise _unknown(spoken)
    answer: Answer | Looked = await (
        _taken(request, sent, _TAKE[service]) if service in _TAKE else _looked(request, sent, service)
    )
    # The session protocol's clients compare the text; everybody else gets the number.
    if answer.error_code == 0 and request.scope["state"].get(vendor.IN_SESSION):
        answer.error_code = WELL
    return answer


async def _looked(request: Request[Any, Any, Any], sent: read.Sent, service: str) -> Looked:
    caller, registry, book = called(request)
    asked = sent if isinstance(sent, Envelope) else Envelope()
    if service == look.PROCEDURE:
        return look.procedure(book.of(caller.tenant_id), asked)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await look.dossier(session, caller.tenant_id, asked)


def _unknown(service: str) -> read.PayloadUnfit:
    return read.PayloadUnfit(f'service "{service[:40]}": expected one of {", ".join(_SERVICES.values())}')


async def _taken(request: Request[Any, Any, Any], sent: read.Sent, take: Any) -> Answer:
    caller, registry, book = called(request)
    vault = await registry.tenant_vault(caller.tenant_id)
    if isinstance(sent, Envelope) and sent.data is UNSET:
        sent = [Raw(await request.body())]  # an entry by itself
    async with registry.db.tenant(caller.tenant_id) as session:
        done: Answer = await take(session, vault, caller.tenant_id, book, sent, test=caller.mode == "test")
        ring(request, session, sum(each.notices for each in done.result))
    slug = registry.now.tenants[caller.tenant_id].slug
    intake.count(slug, ((each.outcome, each.flags) for each in done.result))
    return done


router = Router(
    "/v1/national",
    route_handlers=[
        open_national_session,
        synchronise_national_dossiers,
        update_national_progress,
        exchange_national,
        exchange_national_by_address,
    ],
    tags=["Dossiers"],
)
