"""`/v1/dossiers/{code}/receipt…` for one-stop systems, and the public page `/q/{token}`.

The page answers every token that doesn't stand (unknown, damaged, revoked, another's) with one and the same 404.
"""

import asyncio
import importlib
from typing import Annotated, Any

import structlog
from litestar import MediaType, Request, Response, Router, delete, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter
from msgspec import Struct

from govchat.access.guards import PUBLIC, REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.db.away import is_away
from govchat.dossiers.codes import CodeInvalid
from govchat.dossiers.queries import DossierNotFound
from govchat.kit.phrases import overlaid
from govchat.procedures.book import Book
from govchat.receipts import issue, page
from govchat.receipts.issue import Printed
from govchat.receipts.show import recognise, show
from govchat.receipts.slow import Pace
from govchat.tenants.phrases import OwnPhrases
from govchat.tenants.registry import Registry, RegistryUnreadable, Tenant

log = structlog.get_logger()

Code = Annotated[str, PathParameter(max_length=80, description="Mã số hồ sơ, such as H19.12-261103-0007")]

# No limits here: whatever is wrong with a token, the answer is the same page.
Token = Annotated[str, PathParameter()]


def _draws(name: str) -> Any:
    """The module that draws, loaded with the first receipt: its libraries cost every API process 0.3 s and 30 MiB otherwise."""
    return importlib.import_module(f"govchat.receipts.{name}")


# Names of persons stand on the sheet, and a token in all three.
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Revoked(Struct):
    """What revoking did: `revoked` is false when no token of this dossier was valid."""

    code: str
    revoked: bool


def _picture(media_type: str, what: str) -> dict[int, ResponseSpec]:
    return {200: ResponseSpec(bytes, generate_examples=False, description=what, media_type=media_type)}


@get(
    "/{code:str}/receipt.svg",
    operation_id="get_receipt_svg",
    summary="The receipt's QR code as SVG",
    guards=[RequireScope("dossiers:read")],
    opt={REFUSES: (CodeInvalid, DossierNotFound)},
    responses=_picture("image/svg+xml", "QR code and dossier code, letters as outlines"),
)
async def get_svg(request: Request[Any, Any, Any], code: Code) -> Response[bytes]:
    """QR code and dossier code, to print on a form of one's own. Each call gives the same QR code until it is revoked."""
    _, printed, address, own = await _printed(request, code)
    with overlaid(own):
        return _file(await asyncio.to_thread(_draws("label").svg, address, printed.code), "image/svg+xml")


@get(
    "/{code:str}/receipt.png",
    operation_id="get_receipt_png",
    summary="The receipt's QR code as PNG",
    guards=[RequireScope("dossiers:read")],
    opt={REFUSES: (CodeInvalid, DossierNotFound)},
    responses=_picture("image/png", "QR code and dossier code, black on white, 300 dots an inch"),
)
async def get_png(request: Request[Any, Any, Any], code: Code) -> Response[bytes]:
    """QR code and dossier code for programs that can't take SVG. Each call gives the same QR code until it is revoked."""
    _, printed, address, own = await _printed(request, code)
    with overlaid(own):
        return _file(await asyncio.to_thread(_draws("label").png, address, printed.code), "image/png")


@get(
    "/{code:str}/receipt.pdf",
    operation_id="get_receipt_pdf",
    summary="The receipt as a sheet of A5",
    guards=[RequireScope("dossiers:read")],
    opt={REFUSES: (CodeInvalid, DossierNotFound)},
    responses=_picture("application/pdf", "A5, fonts embedded, with the applicant's name for the counter"),
)
async def get_pdf(request: Request[Any, Any, Any], code: Code) -> Response[bytes]:
    """The sheet that the counter hands over. Each call gives the same QR code until it is revoked."""
    tenant, printed, address, own = await _printed(request, code)
    with overlaid(own):
        answer = _file(await asyncio.to_thread(_draws("sheet").pdf, tenant, printed, address), "application/pdf")
    answer.headers["Content-Disposition"] = 'inline; filename="phieu-theo-doi-ho-so.pdf"'
    return answer


@delete(
    "/{code:str}/receipt",
    operation_id="revoke_receipt",
    summary="Revoke a receipt's QR code",
    guards=[RequireScope("dossiers:write")],
    opt={REFUSES: (CodeInvalid, DossierNotFound)},
    status_code=200,
    response_description="Whether there was a token to revoke",
)
async def revoke_receipt(request: Request[Any, Any, Any], code: Code) -> Revoked:
    """The printed code leads nowhere from now on; the next receipt carries a new one. Doing it again changes nothing."""
    registry: Registry = request.app.state.registry
    caller: Caller = request.state.caller
    tenant = await registry.by_id(caller.tenant_id)
    async with registry.db.tenant(tenant.id) as session:
        return Revoked(code, await issue.revoke(session, tenant, code, actor=f"key:{caller.prefix}"))


@get(
    ["/", "/{token:str}"],
    opt={PUBLIC: "status without personal data, for who holds the receipt"},
    include_in_schema=False,
)
async def show_status(request: Request[Any, Any, Any], token: Token = "") -> Response[str]:
    """The status page of a printed token; see docs/receipts.md."""
    registry: Registry = request.app.state.registry
    pace: Pace = request.app.state.pace
    words: OwnPhrases = request.app.state.words_on_receipts
    address = request.client.host if request.client else ""
    try:
        genuine = await recognise(registry, token)
        wait_s = await pace.wait(address, genuine=genuine is not None)
        if wait_s:
            return _html(page.slowed_page(wait_s), 429, {"Retry-After": str(wait_s)})
        shown = await show(registry, genuine) if genuine else None
        own = await words.of(shown.tenant.id) if shown else {}
    except Exception as error:
        if not (isinstance(error, RegistryUnreadable) or is_away(error)):
            raise
        log.warning("receipts.database_away", error=type(error).__name__)
        return _html(page.away_page(), 503, {"Retry-After": "5"})
    if shown is None:
        return _html(page.unknown_page(), 404)
    with overlaid(own):
        return _html(page.status_page(shown), 200)


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
    """A fault of ours: the log has it, the citizen reads a page and no problem document."""
    log.error("receipts.page_failed", path=request.scope.get("path_template"), exc_info=error)
    return _html(page.away_page(), 500, {"Retry-After": "60"})


async def _printed(request: Request[Any, Any, Any], code: str) -> tuple[Tenant, Printed, str, dict[str, str]]:
    words: OwnPhrases = request.app.state.words_on_receipts
    caller: Caller = request.state.caller
    registry: Registry = request.app.state.registry
    book: Book = request.app.state.book
    tenant = await registry.by_id(caller.tenant_id)
    vault = await registry.tenant_vault(tenant.id)
    async with registry.db.tenant(tenant.id) as session:
        printed = await issue.receipt_of(session, vault, tenant, book.of(tenant.id), code)
    return tenant, printed, f"{registry.settings.public_url}/q/{printed.token}", await words.of(tenant.id)


def _file(content: bytes, media_type: str) -> Response[bytes]:
    return Response(content, media_type=media_type, headers=PRIVATE)


def _html(text: str, status: int, more: dict[str, str] | None = None) -> Response[str]:
    return Response(text, status_code=status, media_type=MediaType.HTML, headers={**page.HEADERS, **(more or {})})


router = Router("/v1/dossiers", route_handlers=[get_svg, get_png, get_pdf, revoke_receipt], tags=["Receipts"])
public = Router("/q", route_handlers=[show_status], exception_handlers={Exception: _failed})
