"""Money and daily allowances: reserved under a row lock before a message exists, refunded when Zalo refuses it.

A month's row holds what is reserved and spent in đồng, a day's row how many notices were planned. Whoever changes either locks both first,
month before day, so that two planners never spend the same đồng and never wait for each other crosswise. On trial the day's allowance
of `tenants.testers`, which replies and campaigns take from as well, is locked after them.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.notices.quiet import day_of, month_of
from govchat.tenants.trial import DAILY_LIMIT

LOCK = text(
    """
    WITH budgets AS (
      INSERT INTO notice_budgets AS b (tenant_id, period) VALUES (:tenant, :month), (:tenant, :day)
      ON CONFLICT (tenant_id, period) DO UPDATE SET reserved = b.reserved
      RETURNING period, reserved, spent, messages, by_phone
    ), trial AS (
      INSERT INTO trial_days AS d (tenant_id, day, sent)
      SELECT :tenant, CAST(CAST(:day AS text) AS date), 0 FROM (SELECT count(*) FROM budgets) AS first WHERE CAST(:trial AS boolean)
      ON CONFLICT (tenant_id, day) DO UPDATE SET sent = d.sent
      RETURNING sent
    )
    SELECT *, coalesce((SELECT sent FROM trial), 0) AS trial_sent FROM budgets
    """
)

# What was handed over is spent; what was given up is the province's again.
BALANCE = text(
    """
    WITH ended AS (
      UPDATE notice_tries t SET money = CASE WHEN m.state IN ('sent', 'uncertain') THEN 'spent' ELSE 'refunded' END
      FROM outbox_messages m
      WHERE t.tenant_id = :tenant AND t.money = 'reserved' AND m.tenant_id = :tenant AND m.id = t.message_id
        AND (m.state IN ('sent', 'failed', 'skipped') OR (m.state = 'uncertain' AND m.settled_by IS NOT NULL))
      RETURNING t.period, t.cost, t.money
    ), sums AS (
      SELECT period, sum(cost) AS cost, sum(cost) FILTER (WHERE money = 'spent') AS spent FROM ended GROUP BY period
    )
    UPDATE notice_budgets b SET reserved = b.reserved - s.cost, spent = b.spent + coalesce(s.spent, 0)
    FROM sums s WHERE b.tenant_id = :tenant AND b.period = s.period
    RETURNING s.cost
    """
)

REFUND = text(
    """
    WITH given AS (
      UPDATE notice_tries SET money = 'refunded'
      WHERE tenant_id = :tenant AND message_id = :message AND money = 'reserved' RETURNING period, cost
    )
    UPDATE notice_budgets b SET reserved = b.reserved - g.cost FROM given g WHERE b.tenant_id = :tenant AND b.period = g.period
    """
)


class Purse(msgspec.Struct):
    """What may still be used: the month's đồng, and today's counts. Used up while planning, written back by the plan."""

    month: str
    day: str
    left: int
    messages: int = 0
    trial: bool = False
    trial_left: int = DAILY_LIMIT


async def lock(
    session: AsyncSession, tenant_id: UUID, monthly_budget: int, now: datetime, *, trial: bool = False
) -> Purse:
    """This month's money and today's counts, on `trial` the testers' allowance too; locked until the transaction ends."""
    month, day = month_of(now), day_of(now)
    rows = await session.execute(LOCK, {"tenant": tenant_id, "month": month, "day": day, "trial": trial})
    found = {row.period: row for row in rows.all()}
    return Purse(
        month,
        day,
        monthly_budget - found[month].reserved - found[month].spent,
        found[day].messages,
        trial,
        DAILY_LIMIT - found[day].trial_sent,
    )


async def refund(session: AsyncSession, tenant_id: UUID, message_id: UUID) -> None:
    """Give back what was reserved for a message that will not be said. The budget rows are locked already."""
    await session.execute(REFUND, {"tenant": tenant_id, "message": message_id})


async def balance(session: AsyncSession, tenant_id: UUID, now: datetime) -> None:
    """Turn reservations of messages that have ended into spent or refunded money; for the sweep, set-based."""
    reserved = await session.scalar(
        text("SELECT EXISTS (SELECT FROM notice_tries WHERE tenant_id = :tenant AND money = 'reserved')"),
        {"tenant": tenant_id},
    )
    if reserved:
        await session.execute(LOCK, {"tenant": tenant_id, "month": month_of(now), "day": day_of(now), "trial": False})
        await session.execute(BALANCE, {"tenant": tenant_id})
