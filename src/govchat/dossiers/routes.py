"""`/v1/dossiers`: what one-stop systems push and read; the tenant is the key's tenant."""

from typing import Annotated, Any

from litestar import Request, Router, get, put
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.dossiers import intake, queries
from govchat.dossiers.codes import CodeInvalid
from govchat.dossiers.queries import DossierNotFound
from govchat.dossiers.schemas import DossierIn, DossierOut, Put
from govchat.tenants.registry import Registry

Code = Annotated[str, PathParameter(max_length=80, description="Mã số hồ sơ, such as H19.12-261103-0007")]

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
Pushed = Annotated[
    DossierIn, Body(media_type=RequestEncodingType.JSON, examples=[Example(summary="In progress", value=EXAMPLE)])
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
    caller: Caller = request.state.caller
    registry: Registry = request.app.state.registry
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await intake.put(session, vault, caller.tenant_id, code, data)


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
    caller: Caller = request.state.caller
    registry: Registry = request.app.state.registry
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.get(session, vault, caller.tenant_id, code)


router = Router("/v1/dossiers", route_handlers=[put_dossier, get_dossier], tags=["Dossiers"])
