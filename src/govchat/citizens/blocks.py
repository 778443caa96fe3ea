"""Channels on which Zalo said that a citizen can't or won't be reached, remembered so that nobody is asked again in vain."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.models import CitizenBlockRow

Channel = Literal["cs", "uid", "phone"]

# An old phone, no Zalo on the number, 45 quiet days: that changes by itself, so it is tried again then.
UNREACHABLE_FOR = timedelta(days=30)


async def block(
    session: AsyncSession,
    tenant_id: UUID,
    citizen_id: UUID,
    channel: Channel,
    *,
    code: int | None,
    refused: bool,
    at: datetime,
) -> None:
    """Remember it: for good when the person `refused`, for 30 days when they could not be reached."""
    values = {"code": code, "since": at, "until": None if refused else at + UNREACHABLE_FOR}
    made = insert(CitizenBlockRow).values(tenant_id=tenant_id, citizen_id=citizen_id, channel=channel, **values)
    await session.execute(
        made.on_conflict_do_update(index_elements=["tenant_id", "citizen_id", "channel"], set_=values)
    )


async def unblock(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, channel: Channel) -> None:
    """They can be reached again: somebody said so."""
    await session.execute(
        delete(CitizenBlockRow).where(
            CitizenBlockRow.tenant_id == tenant_id,
            CitizenBlockRow.citizen_id == citizen_id,
            CitizenBlockRow.channel == channel,
        )
    )
