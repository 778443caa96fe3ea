"""How a citizen's petitions stand, for the chat: their own in full, anybody's by its code without a word of what it says."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.phrases import phrases
from govchat.petitions import codes
from govchat.petitions.categories import title_of
from govchat.petitions.change import OPEN
from govchat.petitions.models import PetitionEventRow, PetitionRow
from govchat.petitions.private import unseal, unseal_told
from govchat.petitions.tell import ROOM

MOST_OWN = 10
SUMMARY = 120


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a petition stands. `summary`, `answer` and `can_…` are there for whoever filed it (`is_own`) alone."""

    code: str
    kind: str
    kind_title: str
    category_title: str
    commune: str | None
    state: str
    state_title: str
    unit: str | None
    received_at: datetime
    due_at: datetime
    overdue: bool
    answered_at: datetime | None
    confirm_until: datetime | None
    is_own: bool
    summary: str | None = None
    answer: str | None = None
    can_confirm: bool = False
    can_reopen: bool = False
    can_add: bool = False


async def status_of(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, code: str
) -> Standing | None:
    """How the petition of a code stands; None when there is none, or the code was mistyped."""
    kept = codes.normalise(code)
    if kept is None:
        return None
    row = await session.scalar(select(PetitionRow).where(PetitionRow.tenant_id == tenant_id, PetitionRow.code == kept))
    return None if row is None else await _standing(session, vault, row, citizen_id)


async def own(session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID) -> list[Standing]:
    """The citizen's newest petitions, at most ten."""
    found = await session.scalars(
        select(PetitionRow)
        .where(PetitionRow.tenant_id == tenant_id, PetitionRow.citizen_id == citizen_id)
        .order_by(PetitionRow.id.desc())
        .limit(MOST_OWN)
    )
    return [await _standing(session, vault, row, citizen_id) for row in found.all()]


async def _standing(session: AsyncSession, vault: TenantVault, row: PetitionRow, citizen_id: UUID) -> Standing:
    said, now = phrases(ROOM), clock.now()
    standing = Standing(
        code=row.code,
        kind=row.kind,
        kind_title=said[f"kind_{row.kind}"],
        category_title=title_of(row.category),
        commune=row.commune,
        state=row.state,
        state_title=said[f"state_{row.state}"],
        unit=row.unit,
        received_at=row.received_at,
        due_at=row.due_at,
        overdue=row.state in OPEN and now > row.due_at,
        answered_at=row.answered_at,
        confirm_until=row.confirm_until,
        is_own=row.citizen_id == citizen_id,
    )
    if not standing.is_own:
        return standing
    private = unseal(vault, row.id, row.private_sealed)
    may = row.confirm_until is not None and now <= row.confirm_until
    return msgspec.structs.replace(
        standing,
        summary=private.text[:SUMMARY] if private else None,
        answer=await _answer(session, vault, row),
        can_confirm=row.state == "answered",
        can_reopen=may and row.state in ("answered", "confirmed", "closed"),
        can_add=row.state in OPEN,
    )


async def _answer(session: AsyncSession, vault: TenantVault, row: PetitionRow) -> str | None:
    event = PetitionEventRow
    last = await session.scalar(
        select(event)
        .where(
            event.tenant_id == row.tenant_id,
            event.petition_id == row.id,
            event.act.in_(("answered", "closed", "reopened")),
        )
        .order_by(event.number.desc())
        .limit(1)
    )
    if last is None or last.act == "reopened":
        return None
    return unseal_told(vault, row.id, last.number, last.told_sealed).note
