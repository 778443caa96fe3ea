"""Reading petitions for the offices that handle them."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from govchat.files.keep import of_owner
from govchat.files.models import StoredFileRow
from govchat.files.store import FileNotThere
from govchat.kit import clock, paging
from govchat.kit.crypto import TenantVault
from govchat.petitions import codes
from govchat.petitions.change import OPEN, PetitionNotFound
from govchat.petitions.file import owner_of
from govchat.petitions.models import PetitionEventRow, PetitionRow
from govchat.petitions.private import unseal, unseal_told
from govchat.petitions.schemas import (
    Delivery,
    EventOut,
    EventPage,
    Petition,
    PetitionOut,
    PetitionPage,
    Photo,
    Place,
)

LIST, EVENTS = "petitions", "petition_events"
_main = aliased(PetitionRow)


async def page(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    cursor: str | None,
    limit: int = paging.DEFAULT_LIMIT,
    state: str | None = None,
    unit: str | None = None,
    category: str | None = None,
    overdue: bool = False,
    unreached: bool = False,
) -> PetitionPage:
    """Petitions in the order in which they were filed, narrowed as asked. Raises `CursorInvalid`."""
    row = PetitionRow
    wanted = _with_main(tenant_id).order_by(row.id).limit(limit + 1)
    for column, value in ((row.state, state), (row.unit, unit), (row.category, category)):
        if value is not None:
            wanted = wanted.where(column == value)
    if overdue:
        wanted = wanted.where(row.state.in_(OPEN), row.due_at < clock.now())
    if unreached:
        wanted = wanted.where(row.delivery == "none")
    if cursor is not None:
        wanted = wanted.where(row.id > _uuid(cursor))
    rows = (await session.execute(wanted)).all()
    more = paging.encode(LIST, str(rows[limit - 1][0].id)) if len(rows) > limit else None
    return PetitionPage([Petition(**_common(one, into)) for one, into in rows[:limit]], more)


async def get(session: AsyncSession, vault: TenantVault, tenant_id: UUID, code: str) -> PetitionOut:
    """One petition in full, by code in any written shape; raises `PetitionNotFound`."""
    row, into = await _row(session, tenant_id, code)
    private = unseal(vault, row.id, row.private_sealed)
    hidden = private is None or "anonymous" in row.flags
    where = private is not None and (private.place or private.latitude is not None)
    return PetitionOut(
        **_common(row, into),
        text=private.text if private else None,
        place=Place(text=private.place, latitude=private.latitude, longitude=private.longitude)
        if private and where
        else None,
        name=None if hidden or private is None else private.name,
        phone=None if hidden or private is None else private.phone,
        photos=[
            Photo(id=one.id, media_type=one.media_type, size=one.size, width=one.width, height=one.height)
            for one in await of_owner(session, tenant_id, owner_of(row.id))
        ],
    )


async def events(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    code: str,
    *,
    cursor: str | None,
    limit: int = paging.LARGEST_LIMIT,
) -> EventPage:
    """What happened to a petition, oldest first; raises `PetitionNotFound`, `CursorInvalid`."""
    row, _ = await _row(session, tenant_id, code)
    event, name = PetitionEventRow, f"{EVENTS}/{row.code}"
    after = int(paging.decode(name, cursor)) if cursor else 0
    found = await session.scalars(
        select(event)
        .where(event.tenant_id == tenant_id, event.petition_id == row.id, event.number > after)
        .order_by(event.number)
        .limit(limit + 1)
    )
    rows = found.all()
    more = paging.encode(name, str(rows[limit - 1].number)) if len(rows) > limit else None
    return EventPage([_event(vault, one) for one in rows[:limit]], more)


async def photo(session: AsyncSession, tenant_id: UUID, code: str, file_id: UUID) -> StoredFileRow:
    """A file of this very petition; raises `PetitionNotFound`, `FileNotThere`."""
    row, _ = await _row(session, tenant_id, code)
    for one in await of_owner(session, tenant_id, owner_of(row.id)):
        if one.id == file_id and (one.delete_after is None or one.delete_after > clock.now()):
            return one
    raise FileNotThere(f'petition {row.code} has no file "{file_id}": `photos` lists those it has')


async def counts(session: AsyncSession, tenant_id: UUID) -> dict[str, int]:
    """How many petitions stand in each state, and how many are overdue."""
    row = PetitionRow
    found = await session.execute(
        select(row.state, func.count()).where(row.tenant_id == tenant_id).group_by(row.state).order_by(row.state)
    )
    counted: dict[str, int] = {row[0]: row[1] for row in found}
    late = select(func.count()).where(row.tenant_id == tenant_id, row.state.in_(OPEN), row.due_at < clock.now())
    counted["overdue"] = await session.scalar(late) or 0
    return counted


def _with_main(tenant_id: UUID) -> Select[PetitionRow, str]:
    row = PetitionRow
    on = (_main.tenant_id == row.tenant_id) & (_main.id == row.merged_into)
    return select(row, _main.code).outerjoin(_main, on).where(row.tenant_id == tenant_id)


async def _row(session: AsyncSession, tenant_id: UUID, code: str) -> tuple[PetitionRow, str | None]:
    kept = codes.normalise(code)
    found = None
    if kept is not None:
        found = (await session.execute(_with_main(tenant_id).where(PetitionRow.code == kept))).one_or_none()
    if found is None:
        raise PetitionNotFound(f'petition "{code[:40]}" is not known here: compare it with GET /v1/petitions')
    return found[0], found[1]


def _uuid(cursor: str) -> UUID:
    key = paging.decode(LIST, cursor)
    try:
        return UUID(key)
    except ValueError:
        raise paging.CursorInvalid(f'cursor "{cursor[:80]}" is damaged: begin without one') from None


def _common(row: PetitionRow, into: str | None) -> dict[str, Any]:
    return {
        "code": row.code,
        "kind": row.kind,
        "category": row.category,
        "commune": row.commune,
        "state": row.state,
        "unit": row.unit,
        "flags": sorted(row.flags),
        "received_at": row.received_at,
        "forward_by": row.forward_by,
        "due_at": row.due_at,
        "overdue": row.state in OPEN and clock.now() > row.due_at,
        "answered_at": row.answered_at,
        "confirm_until": row.confirm_until,
        "closed_at": row.closed_at,
        "reopened": row.reopened,
        "merged_into": into,
        "delivery": Delivery(state=row.delivery, reason=row.delivery_reason) if row.delivery else None,
    }


def _event(vault: TenantVault, event: PetitionEventRow) -> EventOut:
    told = unseal_told(vault, event.petition_id, event.number, event.told_sealed)
    return EventOut(
        number=event.number,
        act=event.act,
        state=event.state,
        unit=event.unit,
        actor=event.actor,
        officer=told.officer,
        note=told.note,
        at=event.at,
    )
