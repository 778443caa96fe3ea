"""Who wrote to an Official Account last: how an operator finds the id of a tester, which Zalo shows nowhere."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.models import CitizenRow
from govchat.tenants.models import TesterRow

MOST = 10


class Recent(msgspec.Struct, frozen=True):
    """Somebody who wrote, and when."""

    zalo_user_id: str
    at: datetime | None
    is_tester: bool


async def recent(session: AsyncSession, tenant_id: UUID) -> list[Recent]:
    """The ten who wrote last, newest first."""
    rows = await session.execute(
        select(CitizenRow.zalo_user_id, CitizenRow.last_interaction_at, TesterRow.zalo_user_id.is_not(None))
        .outerjoin(
            TesterRow,
            (TesterRow.tenant_id == CitizenRow.tenant_id) & (TesterRow.zalo_user_id == CitizenRow.zalo_user_id),
        )
        .where(CitizenRow.tenant_id == tenant_id, CitizenRow.last_interaction_at.is_not(None))
        .order_by(CitizenRow.last_interaction_at.desc())
        .limit(MOST)
    )
    return [Recent(*row) for row in rows]
