"""Reading the catalogue of a province: one procedure, a list, a search, what is doubtful, what it was before."""

import base64
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.errors import DomainError
from govchat.procedures import schemas
from govchat.procedures.book import ALWAYS, Edition, View, today, words_of
from govchat.procedures.flags import doubts_of
from govchat.procedures.models import NationalImportRow, NationalProcedureRow, ProcedureOverrideRow
from govchat.procedures.override import Laid, code_of
from govchat.procedures.patch import read as read_patch

MOST = 200


class ProcedureNotFound(DomainError):
    """The catalogue has no procedure of that code."""

    status = 404
    code = "procedure_not_found"
    title = "No such procedure"


class ProcedureCursorInvalid(DomainError):
    """The cursor was not made by the list it is given to."""

    status = 422
    code = "procedure_cursor_invalid"
    title = "The cursor can't be read"


Place = tuple[int, str, str]


def get(view: View, written: str, on: date | None = None) -> schemas.ProcedureOut:
    """One procedure as it stood on a day; raises `ProcedureCodeInvalid`, `ProcedureNotFound`."""
    code = code_of(written)
    found = view.edition(code, on)
    if found is None:
        raise ProcedureNotFound(
            f'procedure "{code}" is not in the catalogue: look for it with GET /v1/procedures?q=, or put it as the province\'s own '
            "with a name"
        )
    return shown(found)


def page(
    view: View, query: str = "", *, everything: bool = False, on: date | None = None, cursor: str = "", limit: int = 50
) -> schemas.ProcedurePage:
    """Those that fit `query`, best first, else all by code; `everything` with hidden, replaced and withdrawn ones.

    Raises `ProcedureCursorInvalid`.
    """
    editions = view.every_edition(on) if everything else view.editions(on)
    found = sorted(_ranked(editions, query), key=lambda each: each[0])
    after = _place(cursor)
    rest = [each for each in found if after is None or each[0] > after]
    taken = rest[:limit]
    return schemas.ProcedurePage(
        items=[_brief(edition) for _, edition in taken],
        total=len(found),
        next_cursor=_cursor(taken[-1][0]) if len(rest) > limit else None,
    )


def flags(view: View, *, kind: str = "", field: str = "", cursor: str = "", limit: int = 50) -> schemas.FlagPage:
    """What is doubtful in the catalogue the province offers, by code; raises `ProcedureCursorInvalid`."""
    found = list(every_flag(view))
    counts = dict(sorted(Counter(each.kind for each in found).items()))
    after = _place(cursor)
    chosen = (each for each in found if kind in ("", each.kind) and field in ("", each.field))
    rest = (each for each in chosen if after is None or _flag_place(each) > after)
    taken = list(islice(rest, limit + 1))
    more = len(taken) > limit
    taken = taken[:limit]
    return schemas.FlagPage(items=taken, counts=counts, next_cursor=_cursor(_flag_place(taken[-1])) if more else None)


def every_flag(view: View) -> Iterator[schemas.FlagOut]:
    """Every doubt, by code, field and kind."""
    for edition in view.editions():
        procedure = edition.procedure
        for each in sorted(doubts_of(procedure), key=lambda flag: (flag.field, flag.kind)):
            yield schemas.FlagOut(
                code=procedure.code, name=procedure.name, field=each.field, kind=each.kind, says=each.says, raw=each.raw
            )


async def versions(session: AsyncSession, tenant_id: UUID, view: View, written: str) -> list[schemas.VersionOut]:
    """Every version of both layers, the newest first; raises `ProcedureCodeInvalid`, `ProcedureNotFound`."""
    code = get(view, written).code
    national = await session.execute(
        select(NationalProcedureRow, NationalImportRow.recorded_at, NationalImportRow.actor)
        .join(NationalImportRow, NationalImportRow.number == NationalProcedureRow.import_number)
        .where(NationalProcedureRow.code == code)
    )
    own = await session.scalars(
        select(ProcedureOverrideRow).where(
            ProcedureOverrideRow.tenant_id == tenant_id, ProcedureOverrideRow.code == code
        )
    )
    made = [
        schemas.VersionOut(
            layer="national", version=row.version, valid_from=row.valid_from, recorded_at=at, actor=actor, origin="import",
            says=_says(row.patch),
        )
        for row, at, actor in national
    ] + [
        schemas.VersionOut(
            layer="province", version=row.version, valid_from=row.valid_from, recorded_at=row.recorded_at, actor=row.actor,
            origin=row.origin, says=_says(row.patch),
        )
        for row in own
    ]  # fmt: skip
    return sorted(made, key=lambda each: (each.recorded_at, each.version), reverse=True)


def _says(stored: Any) -> dict[str, Any]:
    return schemas.as_override(read_patch(stored))


def shown(edition: Edition) -> schemas.ProcedureOut:
    """A procedure for the wire."""
    procedure = edition.procedure
    fields = {name: getattr(procedure, name) for name in _PLAIN}
    limit, fee = procedure.limit, procedure.fee
    return schemas.ProcedureOut(
        **fields,
        limit=schemas.LimitOut(**msgspec.structs.asdict(limit), spelled=limit.spelled),
        fee=schemas.FeeOut(**msgspec.structs.asdict(fee)),
        layer=_layer(edition),
        valid_from=None if edition.valid_from == ALWAYS else edition.valid_from,
        national_version=edition.version,
        override_version=edition.override,
        override=schemas.as_override(edition.said),
        flags=list(doubts_of(procedure)),
    )


_PLAIN = tuple(
    name
    for name in schemas.ProcedureOut.__struct_fields__
    if name not in ("limit", "fee", "layer", "valid_from", "national_version", "override_version", "override", "flags")
)


def _layer(edition: Edition) -> schemas.LayerName:
    if not edition.override:
        return "national"
    return "override" if edition.national else "own"


def _brief(edition: Edition) -> schemas.ProcedureBrief:
    procedure = edition.procedure
    return schemas.ProcedureBrief(
        code=procedure.code,
        name=procedure.name,
        field=procedure.field,
        agencies=procedure.agencies,
        limit=procedure.limit.spelled,
        fee=procedure.fee.text,
        online=procedure.online,
        layer=_layer(edition),
        hidden=procedure.hidden,
        replaced_by=procedure.replaced_by,
        withdrawn=procedure.withdrawn,
    )


def _ranked(editions: Iterator[Edition], query: str) -> Iterator[tuple[Place, Edition]]:
    """Every word must begin a word of the procedure. The whole query as a name comes first, then at a name's start, then inside one."""
    words = words_of(query)
    phrase = " ".join(words)
    beginnings = [f" {word}" for word in words]
    for edition in editions:
        folded = edition.folded
        if not all(beginning in folded for beginning in beginnings):
            continue
        if not words or f"| {phrase} |" in f"|{folded}|":
            rank = 0
        elif f"| {phrase}" in f"|{folded}":
            rank = 1
        else:
            rank = 2 if f" {phrase}" in folded else 3
        yield (rank, edition.procedure.code, ""), edition


def _flag_place(each: schemas.FlagOut) -> Place:
    return 0, each.code, f"{each.field}/{each.kind}"


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place(cursor: str) -> Place | None:
    if not cursor:
        return None
    try:
        decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place: Place = msgspec.convert(msgspec.json.decode(decoded), Place)
    except (ValueError, msgspec.DecodeError) as error:
        raise ProcedureCursorInvalid(
            f'cursor "{cursor[:40]}" was not made by this list: send the next_cursor of its last page as it was'
        ) from error
    return place


def overridden(view: View, laid: Laid, valid_from: date | None) -> schemas.Overridden:
    """What laying an override did, with the procedure from its day on."""
    found = view.edition(laid.code, max(valid_from or today(), today()))
    assert found is not None
    return schemas.Overridden(code=laid.code, outcome=laid.outcome, version=laid.version, procedure=shown(found))
