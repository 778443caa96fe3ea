"""`/v1/national`: a second address for what one-stop systems already send to the National Portal."""

from typing import Annotated, Any

from litestar import Request, Router, post
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import UNSET, Raw

from govchat.access.guards import REFUSES, RequireScope
from govchat.dossiers import intake
from govchat.dossiers.national import read
from govchat.dossiers.national.schemas import Answer, Envelope
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


@post(
    "/DongBoHoSoMC",
    operation_id="synchronise_national_dossiers",
    summary="Take in dossiers in the National Portal's format",
    guards=[RequireScope("dossiers:write")],
    opt={REFUSES: (read.PayloadUnfit,)},
    status_code=200,
    response_description="The portal's answer, and one for each entry",
)
async def synchronise_national_dossiers(request: Request[Any, Any, Any], data: Dossiers) -> Answer:
    """DongBoHoSoMC as it is sent to the portal. An entry that doesn't fit is answered with its field; the others are kept."""
    return await _taken(request, data, read.synchronise)


@post(
    "/CapNhatTienDoHoSoMC",
    operation_id="update_national_progress",
    summary="Take in steps of dossiers in the National Portal's format",
    guards=[RequireScope("dossiers:write")],
    opt={REFUSES: (read.PayloadUnfit,)},
    status_code=200,
    response_description="The portal's answer, and one for each entry",
)
async def update_national_progress(request: Request[Any, Any, Any], data: Steps) -> Answer:
    """CapNhatTienDoHoSoMC as it is sent to the portal, for dossiers that came with DongBoHoSoMC or any other way before."""
    return await _taken(request, data, read.progress)


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
    route_handlers=[synchronise_national_dossiers, update_national_progress],
    tags=["Dossiers"],
)
