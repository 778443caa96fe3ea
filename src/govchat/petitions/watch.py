"""What time does to petitions: past their date they are marked and the office hears of it; unanswered questions to citizens end quietly.

For a periodic act, a few at a time and one transaction each call; calling it again goes on where it stopped.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.callbacks.put import put as put_callback
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.petitions.change import OPEN, happened, move
from govchat.petitions.models import PetitionRow

ACTOR = "system:petitions"
MOST = 200


async def watch(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, *, now: datetime | None = None, most: int = MOST
) -> tuple[int, int]:
    """(how many became overdue, how many were closed because the citizen said nothing); at most `most` of each."""
    at = now or clock.now()
    row = PetitionRow
    past = select(row).where(row.tenant_id == tenant_id, row.state.in_(OPEN), row.overdue_at.is_(None), row.due_at < at)
    late = await _some(session, past.order_by(row.due_at), most)
    for one in late:
        one.overdue_at = at
        await put_callback(session, vault, tenant_id, "petition.overdue", happened(one, at))
    unsaid = select(row).where(row.tenant_id == tenant_id, row.state == "answered", row.confirm_until < at)
    silent = await _some(session, unsaid.order_by(row.confirm_until), most)
    for one in silent:
        one.flags = sorted({*one.flags, "silent"})
        await move(session, vault, one, "closed", actor=ACTOR, at=at)
    await session.flush()
    return len(late), len(silent)


async def _some(session: AsyncSession, wanted: Select[PetitionRow], most: int) -> list[PetitionRow]:
    return list(await session.scalars(wanted.limit(most).with_for_update(skip_locked=True)))
