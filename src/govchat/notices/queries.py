"""What an office reads about its notices: which there were, who was not reached, and why."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

UNREACHED = text(
    """
    SELECT n.id, d.code, n.number, n.kind, n.reason, n.decision->'against' AS against, n.planned_at
    FROM notices n JOIN dossiers d ON d.tenant_id = n.tenant_id AND d.id = n.dossier_id
    WHERE n.tenant_id = :tenant AND n.state = 'none' AND (CAST(:before AS timestamptz) IS NULL OR n.planned_at < :before)
    ORDER BY n.planned_at DESC, n.id LIMIT :most
    """
)

# Each with the message that stands for it now; what became none has none.
OF_DOSSIER = text(
    """
    SELECT n.id, d.code, n.number, n.kind, CASE WHEN n.state = 'planned' THEN coalesce(m.state, n.state) ELSE n.state END AS state,
           n.channel, n.reason, n.planned_at, CASE WHEN m.state = 'sent' THEN extract(epoch FROM m.finished_at - n.caused_at) END AS seconds
    FROM notices n JOIN dossiers d ON d.tenant_id = n.tenant_id AND d.id = n.dossier_id
    LEFT JOIN outbox_messages m ON m.tenant_id = n.tenant_id AND m.id = n.message_id
    WHERE n.tenant_id = :tenant AND n.dossier_id = (SELECT k.id FROM dossiers k WHERE k.tenant_id = :tenant AND k.code_key = :key)
    ORDER BY n.planned_at DESC, n.id LIMIT :most
    """
)
NEWEST = text(
    """
    SELECT n.id, d.code, n.number, n.kind, CASE WHEN n.state = 'planned' THEN coalesce(m.state, n.state) ELSE n.state END AS state,
           n.channel, n.reason, n.planned_at, CASE WHEN m.state = 'sent' THEN extract(epoch FROM m.finished_at - n.caused_at) END AS seconds
    FROM notice_tries t
    JOIN notices n ON n.tenant_id = :tenant AND n.id = t.notice_id AND n.message_id = t.message_id
    JOIN dossiers d ON d.tenant_id = :tenant AND d.id = n.dossier_id
    JOIN outbox_messages m ON m.tenant_id = :tenant AND m.id = t.message_id
    WHERE t.tenant_id = :tenant AND t.planned_at >= :since AND m.state <> 'skipped'
      AND (NOT :slow OR (NOT t.held AND (m.state <> 'sent' OR m.finished_at > n.caused_at + interval '10 seconds')))
    ORDER BY t.planned_at DESC, t.message_id LIMIT :most
    """
)
LATELY = timedelta(days=2)


class Told(msgspec.Struct, frozen=True):
    """A notice and what became of it. `accepted_after_s` is from its cause until Zalo had it; `channel` is null where none was open.

    `state` is that of its message (queued, sending, sent, failed, uncertain, skipped), or of what became none: none, merged, withheld,
    test.
    """

    id: UUID
    dossier_code: str
    change_number: int
    kind: str
    state: str
    channel: str | None
    reason: str
    planned_at: datetime
    accepted_after_s: float | None


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


async def of_dossier(session: AsyncSession, tenant_id: UUID, key: str, *, most: int = 200) -> list[Told]:
    """What was told of the dossier with the normalised code `key`, and to nobody, newest first; nothing where it is not known."""
    rows = await session.execute(OF_DOSSIER, {"tenant": tenant_id, "key": key, "most": most})
    return [_told(row) for row in rows.all()]


async def newest(
    session: AsyncSession, tenant_id: UUID, now: datetime, *, slow: bool = False, most: int = 50
) -> list[Told]:
    """The newest notices of the last two days that had a channel; `slow`: those that Zalo did not have within 10 s, held ones left out."""
    given = {"tenant": tenant_id, "since": now - LATELY, "slow": slow, "most": most}
    return [_told(row) for row in (await session.execute(NEWEST, given)).all()]


def _told(row: Row[Any]) -> Told:
    seconds = None if row.seconds is None else round(float(row.seconds), 3)
    return Told(row.id, row.code, row.number, row.kind, row.state, row.channel, row.reason, row.planned_at, seconds)
