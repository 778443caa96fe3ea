"""What an office reads about its notices: who was not reached, and why."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

UNREACHED = text(
    """
    SELECT n.id, d.code, n.number, n.kind, n.reason, n.decision->'against' AS against, n.planned_at
    FROM notices n JOIN dossiers d ON d.tenant_id = n.tenant_id AND d.id = n.dossier_id
    WHERE n.tenant_id = :tenant AND n.state = 'none' AND (CAST(:before AS timestamptz) IS NULL OR n.planned_at < :before)
    ORDER BY n.planned_at DESC, n.id LIMIT :most
    """
)


class Unreached(msgspec.Struct, frozen=True):
    """A notice for which no channel was open: the office may call or write instead."""

    notice_id: UUID
    code: str
    number: int
    kind: str
    reason: str
    against: dict[str, str]
    planned_at: datetime


async def unreached(
    session: AsyncSession, tenant_id: UUID, *, most: int = 50, before: datetime | None = None
) -> list[Unreached]:
    """The newest notices that nobody could be told, before `before` when given."""
    rows = await session.execute(UNREACHED, {"tenant": tenant_id, "most": most, "before": before})
    return [
        Unreached(row.id, row.code, row.number, row.kind, row.reason, dict(row.against or ()), row.planned_at)
        for row in rows.all()
    ]
