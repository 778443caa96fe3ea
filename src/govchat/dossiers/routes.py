"""`/v1/dossiers`: what one-stop systems push and read; the tenant is the key's tenant."""

from typing import Annotated, Any

from litestar import Request, Router, get, put
from litestar.params import FromPath, JSONBody, PathParameter

from govchat.access.guards import RequireScope
from govchat.access.keys import Caller
from govchat.dossiers import intake, queries
from govchat.dossiers.schemas import DossierIn, DossierOut, Put
from govchat.tenants.registry import Registry

Code = Annotated[str, PathParameter(max_length=80, description="Mã số hồ sơ, such as H19.12-261103-0007")]


@put(
    "/{code:str}",
    operation_id="put_dossier",
    summary="Create or update a dossier",
    guards=[RequireScope("dossiers:write")],
    status_code=200,
)
async def put_dossier(request: Request[Any, Any, Any], code: Code, data: JSONBody[DossierIn]) -> Put:
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
)
async def get_dossier(request: Request[Any, Any, Any], code: FromPath[str]) -> DossierOut:
    """One dossier by its code, in any written shape."""
    caller: Caller = request.state.caller
    registry: Registry = request.app.state.registry
    vault = await registry.tenant_vault(caller.tenant_id)
    async with registry.db.tenant(caller.tenant_id) as session:
        return await queries.get(session, vault, caller.tenant_id, code)


router = Router("/v1/dossiers", route_handlers=[put_dossier, get_dossier], tags=["Dossiers"])
