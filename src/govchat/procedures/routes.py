"""`/v1/procedures`: the catalogue of the key's province, read, corrected and imported."""

from datetime import date
from typing import Annotated, Any

from litestar import Request, Router, get, post, put
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter

from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Caller
from govchat.procedures import load_file, override, queries, schemas
from govchat.procedures.book import Book
from govchat.procedures.cells import FileUnreadable
from govchat.procedures.load_file import ImportRefused, Options, Report
from govchat.procedures.override import OverrideRefused, ProcedureCodeInvalid
from govchat.procedures.queries import ProcedureCursorInvalid, ProcedureNotFound

Code = Annotated[str, PathParameter(max_length=60, description="Mã thủ tục, such as 1.012753 or 1.012753.H19")]
On = Annotated[
    date | None, QueryParameter(description="The day it is asked for, such as 2026-11-22; today when left out")
]
Cursor = Annotated[str, QueryParameter(max_length=500, description="`next_cursor` of the page before")]
Most = Annotated[int, QueryParameter(ge=1, le=queries.MOST, description="How many at most")]

EXAMPLE = {
    "fee": {"amount": 50000},
    "agencies": ["Trung tâm Phục vụ hành chính công phường Trấn Biên"],
    "address": "Số 18 đường Nguyễn Ái Quốc, phường Trấn Biên",
    "limit": {"value": 7, "unit": "working_day"},
    "valid_from": "2026-12-01",
}
Said = Annotated[
    schemas.OverrideIn,
    Body(
        media_type=RequestEncodingType.JSON, examples=[Example(summary="A fee and an office of its own", value=EXAMPLE)]
    ),
]


def _asked(request: Request[Any, Any, Any]) -> tuple[Caller, Book]:
    caller: Caller = request.state.caller
    book: Book = request.app.state.book
    return caller, book


@get(
    "/",
    operation_id="list_procedures",
    summary="Search or list procedures",
    guards=[RequireScope("procedures:read")],
    opt={REFUSES: (ProcedureCursorInvalid,)},
    response_description="One page, best first",
)
async def list_procedures(
    request: Request[Any, Any, Any],
    q: Annotated[
        str, QueryParameter(max_length=300, description="Words of a name or a code; diacritics are optional")
    ] = "",
    everything: Annotated[bool, QueryParameter(description="Also what is hidden, replaced or withdrawn")] = False,
    on: On = None,
    cursor: Cursor = "",
    limit: Most = 50,
) -> schemas.ProcedurePage:
    """What the province offers, with its own figures. Without `q` everything by code."""
    caller, book = _asked(request)
    view = await book.fresh(caller.tenant_id)
    return queries.page(view, q, everything=everything, on=on, cursor=cursor, limit=limit)


@get(
    "/flags",
    operation_id="list_procedure_flags",
    summary="List what is doubtful",
    guards=[RequireScope("procedures:read")],
    opt={REFUSES: (ProcedureCursorInvalid,)},
    response_description="One page of doubts, and how many there are of each kind",
)
async def list_procedure_flags(
    request: Request[Any, Any, Any],
    kind: Annotated[str, QueryParameter(max_length=40, description="One kind of doubt, such as maybe_hours")] = "",
    field: Annotated[str, QueryParameter(max_length=40, description="One field, such as limit")] = "",
    cursor: Cursor = "",
    limit: Most = 50,
) -> schemas.FlagPage:
    """Figures that were kept as their source has them and need somebody's eye. Putting the field settles its doubts."""
    caller, book = _asked(request)
    view = await book.fresh(caller.tenant_id)
    return queries.flags(view, kind=kind, field=field, cursor=cursor, limit=limit)


@get(
    "/{procedure:str}",
    operation_id="get_procedure",
    summary="Read a procedure",
    guards=[RequireScope("procedures:read")],
    opt={REFUSES: (ProcedureCodeInvalid, ProcedureNotFound)},
    response_description="The procedure as the province has it on that day",
)
async def get_procedure(request: Request[Any, Any, Any], procedure: Code, on: On = None) -> schemas.ProcedureOut:
    """The rule in force on a day, national figures and the province's own together."""
    caller, book = _asked(request)
    return queries.get(await book.fresh(caller.tenant_id), procedure, on)


@get(
    "/{procedure:str}/versions",
    operation_id="list_procedure_versions",
    summary="List the versions of a procedure",
    guards=[RequireScope("procedures:read")],
    opt={REFUSES: (ProcedureCodeInvalid, ProcedureNotFound)},
    response_description="Every version of both layers, the newest first",
)
async def list_procedure_versions(request: Request[Any, Any, Any], procedure: Code) -> list[schemas.VersionOut]:
    """Who said what, from which day on. What ships with the product is no version."""
    caller, book = _asked(request)
    view = await book.fresh(caller.tenant_id)
    async with book.db.tenant(caller.tenant_id) as session:
        return await queries.versions(session, caller.tenant_id, view, procedure)


@put(
    "/{procedure:str}",
    operation_id="put_procedure",
    summary="Say what the province does differently",
    guards=[RequireScope("procedures:write")],
    opt={REFUSES: (ProcedureCodeInvalid, OverrideRefused)},
    status_code=200,
    response_description="What putting it did, and the procedure from that day on",
)
async def put_procedure(request: Request[Any, Any, Any], procedure: Code, data: Said) -> schemas.Overridden:
    """Replaces what the province said before; fields left out are the national catalogue's. Old versions stay for old dossiers."""
    caller, book = _asked(request)
    laid = await override.lay_over(
        book, caller.tenant_id, procedure, data.patch(), data.valid_from, actor=f"key:{caller.prefix}"
    )
    return queries.overridden(book.of(caller.tenant_id), laid, data.valid_from)


@post(
    "/import",
    operation_id="import_procedures",
    summary="Import a CSV or XLSX file",
    guards=[RequireScope("procedures:write")],
    opt={REFUSES: (FileUnreadable, ImportRefused)},
    status_code=200,
    response_description="What the file did, or would do: columns, changes, bad rows, doubts",
)
async def import_procedures(
    request: Request[Any, Any, Any],
    dry_run: Annotated[bool, QueryParameter(description="Tell what it would do, write nothing")] = False,
    strict: Annotated[bool, QueryParameter(description="Write nothing if any row is bad")] = False,
    complete: Annotated[
        bool, QueryParameter(description="The file is the whole list: what earlier files put and it lacks ends")
    ] = False,
    valid_from: Annotated[
        date | None, QueryParameter(description="From when it holds; rows with a day of their own keep it")
    ] = None,
) -> Report:
    """The body is the file itself, CSV or XLSX, whatever its Content-Type says. Good rows are taken though others are bad."""
    caller, book = _asked(request)
    options = Options(dry_run=dry_run, strict=strict, complete=complete, valid_from=valid_from)
    return await load_file.import_province(
        book, caller.tenant_id, await request.body(), "upload", options, actor=f"key:{caller.prefix}"
    )


router = Router(
    "/v1/procedures",
    route_handlers=[
        list_procedures,
        list_procedure_flags,
        get_procedure,
        list_procedure_versions,
        put_procedure,
        import_procedures,
    ],
    tags=["Procedures"],
)
