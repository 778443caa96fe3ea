"""Counts of campaigns: the body's own figures and what has been tallied since, read in one statement and folded by and by."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.db.session import Database

FOLDED_AT_ONCE = 20_000


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Where the recipients of a campaign stand; `total` is everybody who was planned so far."""

    total: int = 0
    queued: int = 0
    sending: int = 0
    sent: int = 0
    uncertain: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def open(self) -> int:
        """Not said yet."""
        return self.queued + self.sending


COUNTS = text(
    """
    SELECT b.id, b.planned, b.spent + coalesce(y.cost, 0) AS spent,
           b.sent + coalesce(y.sent, 0) AS sent, b.uncertain + coalesce(y.uncertain, 0) AS uncertain,
           b.failed + coalesce(y.failed, 0) AS failed, b.skipped + coalesce(y.skipped, 0) AS skipped,
           (SELECT count(*) FROM outbox_messages m
            WHERE m.tenant_id = :tenant AND m.state IN ('sending', 'uncertain') AND m.settled_by IS NULL
              AND m.state = 'sending' AND m.body_ref = b.id) AS sending
    FROM outbox_bodies b
    LEFT JOIN (
      SELECT body_ref, sum(cost) AS cost, sum(by) FILTER (WHERE state = 'sent') AS sent,
             sum(by) FILTER (WHERE state = 'uncertain') AS uncertain, sum(by) FILTER (WHERE state = 'failed') AS failed,
             sum(by) FILTER (WHERE state = 'skipped') AS skipped
      FROM outbox_tallies WHERE tenant_id = :tenant GROUP BY body_ref
    ) y ON y.body_ref = b.id
    WHERE b.tenant_id = :tenant AND b.id = ANY(:ids)
    """
)

FOLD = "SELECT outbox_fold($1, $2)"


async def counts_of(session: AsyncSession, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, tuple[Counts, int]]:
    """Counts and đồng spent, of those campaigns that have begun."""
    if not ids:
        return {}
    rows = await session.execute(COUNTS, {"tenant": tenant_id, "ids": list(ids)})
    found = {}
    for row in rows:
        final = row.sent + row.uncertain + row.failed + row.skipped
        counts = Counts(
            total=row.planned,
            queued=max(0, row.planned - final - row.sending),
            sending=row.sending,
            sent=row.sent,
            uncertain=row.uncertain,
            failed=row.failed,
            skipped=row.skipped,
        )
        found[row.id] = (counts, int(row.spent))
    return found


async def fold(db: Database, tenant_ids: Sequence[UUID]) -> int:
    """Add what was tallied in these provinces to the bodies' own figures; answers of how many bodies there was anything."""
    return int(await db.call(FOLD, list(tenant_ids), FOLDED_AT_ONCE)) if tenant_ids else 0
