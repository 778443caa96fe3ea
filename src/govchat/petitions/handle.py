"""What offices do with a petition: assign, answer, close, forward, merge; each with its event, message, callback and audit entry."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note as note_audit
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.petitions.change import PetitionMoveRefused, allow, held, move
from govchat.petitions.models import PetitionRow
from govchat.petitions.private import Told
from govchat.petitions.rules import rules_of
from govchat.petitions.schemas import Answer, Assign, Close, Forward, Merge
from govchat.petitions.tell import tell


async def assign(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, code: str, data: Assign, *, actor: str
) -> PetitionRow:
    """An office has it from now on, whether or not another had it before; the citizen sees it when they ask."""
    row = await _begin(session, tenant_id, code, "assigned")
    before, row.unit = _stands(row), data.unit
    await move(
        session, vault, row, "assigned", actor=actor, at=clock.now(), told=Told(note=data.note, officer=data.officer)
    )
    await _note(session, row, "assigned", actor, before)
    return row


async def answer(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    code: str,
    data: Answer,
    *,
    actor: str,
    test: bool = False,
) -> PetitionRow:
    """The answer goes to the citizen, and to those whose petitions were merged into this one; answering again corrects it."""
    row = await _begin(session, tenant_id, code, "answered")
    now = clock.now()
    rules = await rules_of(session, tenant_id, row.kind, row.received_at)
    before = _stands(row)
    row.unit = data.unit or row.unit
    row.answered_at, row.confirm_until = now, now + timedelta(days=rules.confirm_days)
    told = Told(note=data.text, officer=data.officer)
    number = await move(session, vault, row, "answered", actor=actor, at=now, told=told)
    await tell(session, vault, row, "answered", number, note=data.text, now=now, test=test)
    for other in await _merged_into(session, row):
        await _answer_merged(session, vault, other, row, told, actor=actor, now=now, test=test)
    await _note(session, row, "answered", actor, before)
    return row


async def close(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    code: str,
    data: Close,
    *,
    actor: str,
    test: bool = False,
) -> PetitionRow:
    """It ends without an answer: unfit, withdrawn, no longer true. The citizen reads the reason and may reopen it."""
    row = await _begin(session, tenant_id, code, "closed")
    now = clock.now()
    rules = await rules_of(session, tenant_id, row.kind, row.received_at)
    before = _stands(row)
    row.confirm_until = now + timedelta(days=rules.confirm_days)
    told = Told(note=data.reason, officer=data.officer)
    number = await move(session, vault, row, "closed", actor=actor, at=now, told=told)
    await tell(session, vault, row, "closed", number, note=data.reason, now=now, test=test)
    await _note(session, row, "closed", actor, before)
    return row


async def forward(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    code: str,
    data: Forward,
    *,
    actor: str,
    test: bool = False,
) -> PetitionRow:
    """Another authority is competent: it goes there, and the citizen is told where."""
    row = await _begin(session, tenant_id, code, "forwarded")
    now = clock.now()
    before, row.unit = _stands(row), data.to
    told = Told(note=data.note, officer=data.officer)
    number = await move(session, vault, row, "forwarded", actor=actor, at=now, told=told)
    await tell(session, vault, row, "forwarded", number, note=data.note, now=now, test=test)
    await _note(session, row, "forwarded", actor, before)
    return row


async def merge(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    code: str,
    data: Merge,
    *,
    actor: str,
    test: bool = False,
) -> PetitionRow:
    """It is the same matter as another petition: what is answered there is answered here. Those merged into it go along."""
    row = await _begin(session, tenant_id, code, "merged")
    into = await held(session, tenant_id, data.into)
    if into.id == row.id or into.state == "merged":
        raise PetitionMoveRefused(
            f"petition {row.code} can't be merged into {into.code}: it is the same one, or merged itself; name the one that goes on",
            state=into.state,
        )
    now = clock.now()
    before, row.merged_into, row.unit = _stands(row), into.id, into.unit or row.unit
    for other in await _merged_into(session, row):
        other.merged_into = into.id
    told = Told(note=data.note, officer=data.officer)
    number = await move(session, vault, row, "merged", actor=actor, at=now, told=told)
    await tell(session, vault, row, "merged", number, note=data.note, now=now, test=test)
    await _note(session, row, "merged", actor, before)
    return row


async def _begin(session: AsyncSession, tenant_id: UUID, code: str, act: str) -> PetitionRow:
    row = await held(session, tenant_id, code)
    allow(row, act)
    return row


async def _merged_into(session: AsyncSession, row: PetitionRow) -> list[PetitionRow]:
    found = await session.scalars(
        select(PetitionRow)
        .where(PetitionRow.tenant_id == row.tenant_id, PetitionRow.merged_into == row.id, PetitionRow.state == "merged")
        .order_by(PetitionRow.id)
        .with_for_update()
    )
    return list(found)


async def _answer_merged(
    session: AsyncSession,
    vault: TenantVault,
    other: PetitionRow,
    main: PetitionRow,
    told: Told,
    *,
    actor: str,
    now: datetime,
    test: bool,
) -> None:
    other.unit, other.answered_at, other.confirm_until = main.unit, now, main.confirm_until
    number = await move(session, vault, other, "answered", actor=actor, at=now, told=told)
    await tell(session, vault, other, "answered", number, note=told.note, now=now, test=test)


def _stands(row: PetitionRow) -> dict[str, object]:
    return {"state": row.state, "unit": row.unit}


async def _note(session: AsyncSession, row: PetitionRow, act: str, actor: str, before: dict[str, object]) -> None:
    subject = f"petition:{row.code}"
    await note_audit(
        session, row.tenant_id, actor=actor, act=f"petition.{act}", subject=subject, before=before, after=_stands(row)
    )
