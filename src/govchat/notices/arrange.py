"""What a province settles on for its notices: what it pays for."""

from uuid import UUID

import msgspec
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.kit import clock
from govchat.notices.models import NoticeBudgetRow, NoticeSettingsRow
from govchat.notices.quiet import month_of


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What is paid for, in đồng, and how this month stands."""

    monthly_budget: int
    paid_window: bool
    cs_price: int
    daily_quota: int | None
    month: str
    reserved: int
    spent: int


async def settings_of(session: AsyncSession, tenant_id: UUID) -> Settings:
    """As it stands; a province that never settled anything pays for nothing."""
    row = await session.get(NoticeSettingsRow, tenant_id)
    month = month_of(clock.now())
    used = await session.get(NoticeBudgetRow, (tenant_id, month))
    return Settings(
        monthly_budget=row.monthly_budget if row else 0,
        paid_window=row.paid_window if row else False,
        cs_price=row.cs_price if row else 55,
        daily_quota=row.daily_quota if row else None,
        month=month,
        reserved=used.reserved if used else 0,
        spent=used.spent if used else 0,
    )


async def settle(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    monthly_budget: int | None = None,
    paid_window: bool | None = None,
    cs_price: int | None = None,
    actor: str,
) -> Settings:
    """Change what is given; None stays as it is."""
    before = await settings_of(session, tenant_id)
    given = {"monthly_budget": monthly_budget, "paid_window": paid_window, "cs_price": cs_price}
    values = {name: value for name, value in given.items() if value is not None}
    made = insert(NoticeSettingsRow).values(tenant_id=tenant_id, **values)
    await session.execute(
        made.on_conflict_do_update(index_elements=["tenant_id"], set_={**values, "updated_at": func.now()})
    )
    after = await settings_of(session, tenant_id)
    await note(session, tenant_id, actor=actor, act="notice.settled", subject="notices", before=before, after=after)
    return after
