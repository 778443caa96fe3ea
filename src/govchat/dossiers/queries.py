"""Reading dossiers for the systems that put them."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.dossiers import codes, private
from govchat.dossiers.deadline import apology_by, result_stands
from govchat.dossiers.models import DossierEventRow, DossierRow
from govchat.dossiers.schemas import DossierOut, DossierPage, EventOut, EventPage, Handler, Timeliness
from govchat.dossiers.status import STATUSES
from govchat.dossiers.terms import Terms, terms_of
from govchat.errors import DomainError
from govchat.kit import clock, paging
from govchat.kit.crypto import TenantVault
from govchat.procedures.book import Book

LIST, EVENTS = "dossiers", "events"


class DossierNotFound(DomainError):
    """This tenant has no dossier of that code."""

    status = 404
    code = "dossier_not_found"
    title = "No such dossier"


async def get(session: AsyncSession, vault: TenantVault, tenant_id: UUID, book: Book, code: str) -> DossierOut:
    """One dossier by code in any written shape; raises `CodeInvalid`, `DossierNotFound`, `DossierDamaged`."""
    row = await row_of(session, tenant_id, code)
    found = _out(vault, row, await terms_of(session, tenant_id, book), clock.now())
    if found.damaged:
        raise private.damaged(row.code)
    return found


async def page(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    book: Book,
    *,
    cursor: str | None,
    limit: int = paging.DEFAULT_LIMIT,
    flagged: bool = False,
) -> DossierPage:
    """Dossiers in the order they first came in; only irregular ones when `flagged`. Raises `CursorInvalid`.

    One whose sealed part is damaged is marked, and hides nothing of the others.
    """
    wanted = select(DossierRow).where(DossierRow.tenant_id == tenant_id).order_by(DossierRow.id).limit(limit + 1)
    if flagged:
        wanted = wanted.where(text("flags <> '{}'"))
    if cursor is not None:
        wanted = wanted.where(DossierRow.id > _uuid(LIST, cursor))
    rows = list(await session.scalars(wanted))
    terms, now = await terms_of(session, tenant_id, book), clock.now()
    more = paging.encode(LIST, str(rows[limit - 1].id)) if len(rows) > limit else None
    return DossierPage([_out(vault, row, terms, now) for row in rows[:limit]], more)


async def events(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    code: str,
    *,
    cursor: str | None,
    limit: int = paging.LARGEST_LIMIT,
) -> EventPage:
    """A dossier's events, oldest first; raises `CodeInvalid`, `DossierNotFound`, `CursorInvalid`."""
    row = await row_of(session, tenant_id, code)
    name = f"{EVENTS}/{row.code_key}"
    found = list(
        await session.scalars(
            select(DossierEventRow)
            .where(
                DossierEventRow.tenant_id == tenant_id,
                DossierEventRow.dossier_id == row.id,
                DossierEventRow.number > (int(paging.decode(name, cursor)) if cursor else 0),
            )
            .order_by(DossierEventRow.number)
            .limit(limit + 1)
        )
    )
    more = paging.encode(name, str(found[limit - 1].number)) if len(found) > limit else None
    return EventPage([_event(vault, event) for event in found[:limit]], more)


def timeliness(status: int, due_at: datetime | None, finished_at: datetime | None, now: datetime) -> Timeliness:
    """How a dossier stands to its appointment: as its result did, or as it does now."""
    if finished_at is not None:
        return result_stands(due_at, finished_at) or "unknown"
    known = STATUSES[status]
    if known.paused:
        return "paused"
    if known.terminal:
        return "ended"
    if status == 1 or due_at is None:
        return "unknown"
    return "overdue" if now > due_at else "running"


async def row_of(session: AsyncSession, tenant_id: UUID, code: str) -> DossierRow:
    """The dossier of a code in any written shape; raises `CodeInvalid`, `DossierNotFound`."""
    key = codes.parse(code).key
    row = await session.scalar(select(DossierRow).where(DossierRow.tenant_id == tenant_id, DossierRow.code_key == key))
    if row is None:
        raise DossierNotFound(f'dossier "{code}" is not known here: put it first with PUT /v1/dossiers/{code}')
    return row


def _uuid(name: str, cursor: str) -> UUID:
    key = paging.decode(name, cursor)
    try:
        return UUID(key)
    except ValueError:
        raise paging.CursorInvalid(f'cursor "{cursor[:80]}" is damaged: begin without one') from None


def _out(vault: TenantVault, row: DossierRow, terms: Terms, now: datetime) -> DossierOut:
    sealed = private.unseal_or_none(vault, row.id, row.private_sealed)
    term = terms.of(row.procedure_code, row.unit, code=row.code, received_at=row.received_at)
    runs = row.due_at is not None and row.finished_at is None and STATUSES[row.status].running
    return DossierOut(
        code=row.code,
        procedure_code=row.procedure_code,
        procedure_name=term.procedure.name if term.procedure else None,
        applicant=sealed.applicant if sealed else None,
        status=row.status,
        sub_status=row.sub_status,
        status_note=sealed.status_note if sealed else None,
        handler=Handler(row.unit, sealed.officer if sealed else None),
        received_at=row.received_at,
        due_at=row.due_at,
        due_is_computed=not row.due_given and row.due_at is not None,
        first_due_at=row.first_due_at,
        apology_by=apology_by(row.due_at, term.calendar).astimezone(UTC) if runs and row.due_at else None,
        reappointments=row.reappointments,
        finished_at=row.finished_at,
        timeliness=timeliness(row.status, row.due_at, row.finished_at, now),
        changed_at=row.changed_at,
        results=sealed.results if sealed else [],
        flags=sorted(row.flags),
        updated_at=row.updated_at,
        damaged=sealed is None,
    )


def _event(vault: TenantVault, event: DossierEventRow) -> EventOut:
    told, damaged = private.Told(None, None), False
    if event.told_sealed is not None:
        try:
            told = private.unseal_told(vault, event.dossier_id, event.number, event.told_sealed)
        except private.UNREADABLE:
            damaged = True
    return EventOut(
        number=event.number,
        old_status=event.old_status,
        status=event.status,
        sub_status=event.sub_status,
        status_note=told.status_note,
        handler=Handler(event.unit, told.officer),
        due_at=event.due_at,
        changed_at=event.changed_at,
        recorded_at=event.recorded_at,
        flags=sorted(event.flags),
        damaged=damaged,
    )
