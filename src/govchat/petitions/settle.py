"""The citizen's last word: it is resolved, or it is not and the petition is open again. Only who filed it may say so."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.kit.crypto import TenantVault
from govchat.kit.workdays import Calendar, national
from govchat.petitions.change import PetitionNotFound, allow, held, move
from govchat.petitions.models import PetitionRow
from govchat.petitions.private import Told
from govchat.petitions.rules import rules_of


class PetitionStaysClosed(DomainError):
    """The petition was reopened as often as the rules allow, or its time is over."""

    status = 409
    code = "petition_stays_closed"
    title = "The petition can't be reopened"


async def confirm(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    code: str,
    *,
    at: datetime | None = None,
) -> PetitionRow:
    """The citizen says that it is resolved; saying so twice changes nothing. Raises `PetitionNotFound`, `PetitionMoveRefused`."""
    row = await _own(session, tenant_id, citizen_id, code)
    if row.state != "confirmed":
        allow(row, "confirmed")
        await move(session, vault, row, "confirmed", actor="citizen", at=at or clock.now())
    return row


async def reopen(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    code: str,
    *,
    why: str | None = None,
    calendar: Calendar | None = None,
    at: datetime | None = None,
) -> PetitionRow:
    """The citizen says that it is not resolved: its office has it again, with new dates. Reopening an open one changes nothing.

    Raises `PetitionNotFound`, `PetitionMoveRefused`, and `PetitionStaysClosed` when it came back too often or too late.
    """
    row = await _own(session, tenant_id, citizen_id, code)
    now = at or clock.now()
    if row.state == "reopened":
        return row
    allow(row, "reopened")
    rules = await rules_of(session, tenant_id, row.kind, now)
    if row.confirm_until is None or now > row.confirm_until:
        until = f"{row.confirm_until.astimezone(VN):%d/%m/%Y}" if row.confirm_until else "-"
        raise PetitionStaysClosed(f"petition {row.code} could be reopened until {until}: file a new one")
    if row.reopened >= rules.most_reopens:
        raise PetitionStaysClosed(f"petition {row.code} was reopened {row.reopened} times: file a new one")
    row.reopened += 1
    row.forward_by, row.due_at = rules.dates(calendar or national(), now)
    row.overdue_at = row.answered_at = row.confirm_until = row.delivery = row.delivery_reason = row.merged_into = None
    await move(session, vault, row, "reopened", actor="citizen", at=now, told=Told(note=why))
    return row


async def _own(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, code: str) -> PetitionRow:
    row = await held(session, tenant_id, code)
    if row.citizen_id != citizen_id:
        raise PetitionNotFound(f'petition "{code[:40]}" is none of this citizen: look at the codes they were given')
    return row
