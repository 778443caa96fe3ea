"""The promise, added up daily: notices accepted, and handed to Zalo within 10 and 60 seconds.

95 % within 10 s, 99 % within 60 s. What was held on purpose (the night, a second change within the minute) is counted apart.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit.clock import VN
from govchat.notices.models import PromiseDayRow

AGAIN_AFTER = timedelta(seconds=60)
GOALS = {"within_10": 0.95, "within_60": 0.99}

ADD_UP = text(
    """
    INSERT INTO promise_days (tenant_id, day, accepted, handed, within_10, within_60, held, failed, added_up_at)
    SELECT :tenant, :day,
           count(*) FILTER (WHERE NOT t.held), count(*) FILTER (WHERE NOT t.held AND m.state = 'sent'),
           count(*) FILTER (WHERE NOT t.held AND m.state = 'sent' AND m.finished_at <= n.caused_at + interval '10 seconds'),
           count(*) FILTER (WHERE NOT t.held AND m.state = 'sent' AND m.finished_at <= n.caused_at + interval '60 seconds'),
           count(*) FILTER (WHERE t.held),
           count(*) FILTER (WHERE NOT t.held AND m.state IN ('failed', 'uncertain')), :now
    FROM notice_tries t
    JOIN notices n ON n.tenant_id = :tenant AND n.id = t.notice_id
    JOIN outbox_messages m ON m.tenant_id = :tenant AND m.id = t.message_id
    WHERE t.tenant_id = :tenant AND t.planned_at >= :start AND t.planned_at < :end AND m.state <> 'skipped'
      AND (n.message_id = t.message_id)
    ON CONFLICT (tenant_id, day) DO UPDATE SET accepted = excluded.accepted, handed = excluded.handed, within_10 = excluded.within_10,
      within_60 = excluded.within_60, held = excluded.held, failed = excluded.failed, added_up_at = excluded.added_up_at
    """
)


class Day(msgspec.Struct, frozen=True):
    """One day of the promise. Shares are of what was accepted and not held, None on a day without any."""

    day: date
    accepted: int
    handed: int
    within_10: int
    within_60: int
    held: int
    failed: int

    @property
    def share_10(self) -> float | None:
        return self.within_10 / self.accepted if self.accepted else None

    @property
    def share_60(self) -> float | None:
        return self.within_60 / self.accepted if self.accepted else None

    @property
    def kept(self) -> bool:
        """Whether the promise was kept; a day without notices keeps it."""
        ten, sixty = self.share_10, self.share_60
        return ten is None or sixty is None or (ten >= GOALS["within_10"] and sixty >= GOALS["within_60"])


def days_under_way(now: datetime) -> tuple[date, datetime]:
    """Today in Vietnam, and since when notices are still added up: in its first hour, since yesterday's beginning."""
    local = now.astimezone(VN)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return local.date(), today if local.hour else today - timedelta(days=1)


async def add_up(session: AsyncSession, tenant_id: UUID, now: datetime) -> bool:
    """Bring today's row, and in its first hour yesterday's, up to date; False when that was done a minute ago. For the sweep."""
    local = now.astimezone(VN)
    last = await session.scalar(
        select(PromiseDayRow.added_up_at).where(PromiseDayRow.tenant_id == tenant_id, PromiseDayRow.day == local.date())
    )
    if last is not None and now - AGAIN_AFTER < last <= now:
        return False
    days = [local.date()] if local.hour else [local.date() - timedelta(days=1), local.date()]
    for day in days:
        await _add_up(session, tenant_id, day, now)
    return True


async def _add_up(session: AsyncSession, tenant_id: UUID, day: date, now: datetime) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=VN)
    await session.execute(
        ADD_UP, {"tenant": tenant_id, "day": day, "start": start, "end": start + timedelta(days=1), "now": now}
    )


async def days_of(session: AsyncSession, tenant_id: UUID, days: int = 7) -> list[Day]:
    """The last days that were added up, newest first."""
    rows = await session.scalars(
        select(PromiseDayRow).where(PromiseDayRow.tenant_id == tenant_id).order_by(PromiseDayRow.day.desc()).limit(days)
    )
    return [Day(row.day, row.accepted, row.handed, row.within_10, row.within_60, row.held, row.failed) for row in rows]
