"""Claiming due messages and recording what became of them: the two short transactions around the network.

Claims of one province are serialised by an advisory lock for the length of one statement, so two workers can never hold two messages
of one citizen at once, and what one citizen is told keeps its order.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit import clock


class Claimed(msgspec.Struct, frozen=True):
    """A message this process now holds as `sending`."""

    id: UUID
    lane: int
    citizen_id: UUID
    body_sealed: bytes
    attempts: int
    created_at: datetime
    caused_at: datetime


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt. `state` is the row's next state; `due_at` is set when it goes back to `queued`."""

    id: UUID
    attempt: int
    state: str
    outcome: str
    started_at: datetime
    due_at: datetime | None = None
    counts: bool = True
    zalo_message_id: str | None = None
    zalo_code: int | None = None
    kind: str | None = None
    detail: str | None = None
    refused_generation: int | None = None


SERIALISE = text("SELECT pg_advisory_xact_lock(hashtextextended('outbox:' || :tenant, 0))")

# A citizen who is being spoken to, or whose earlier message of the lane waits for its next try, is left alone.
CLAIM = text(
    """
    WITH due AS (
      SELECT m.id, m.lane, sum(CASE WHEN m.lane > 0 THEN 1 ELSE 0 END) OVER (ORDER BY m.lane, m.seq) AS place
      FROM (
        SELECT * FROM outbox_messages q
        WHERE q.tenant_id = :tenant AND q.state = 'queued' AND q.lane BETWEEN :first AND :last
          AND q.due_at <= clock_timestamp()
          AND NOT EXISTS (
            SELECT FROM outbox_messages o
            WHERE o.tenant_id = q.tenant_id AND o.citizen_id = q.citizen_id AND o.state IN ('queued', 'sending', 'uncertain')
              AND (o.state = 'sending'
                   OR (o.state = 'queued' AND o.lane = q.lane AND o.seq < q.seq AND o.due_at > clock_timestamp())))
        ORDER BY q.lane, q.seq
        LIMIT :most
      ) m
    )
    UPDATE outbox_messages m
    SET state = 'sending', claimed_at = clock_timestamp(), claimed_by = :worker, attempts = m.attempts + 1,
        zalo_message_id = NULL, settled_by = NULL
    FROM due
    WHERE m.tenant_id = :tenant AND m.id = due.id AND (due.lane = 0 OR due.place <= :open)
    RETURNING m.id, m.lane, m.citizen_id, m.body_sealed, m.attempts, m.created_at, m.caused_at, m.seq
    """
)

RECORD = text(
    """
    UPDATE outbox_messages m
    SET state = r.state,
        due_at = coalesce(r.due_at, m.due_at),
        attempts = m.attempts - CASE WHEN r.counts THEN 0 ELSE 1 END,
        zalo_message_id = coalesce(r.zalo_message_id, m.zalo_message_id),
        finished_at = CASE WHEN r.state IN ('sent', 'failed', 'skipped') THEN :now ELSE m.finished_at END
    FROM unnest(
      CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:dues AS timestamptz[]), CAST(:counts AS boolean[]),
      CAST(:zalo_ids AS text[])
    ) AS r(id, state, due_at, counts, zalo_message_id)
    WHERE m.tenant_id = :tenant AND m.id = r.id AND m.claimed_by = :worker AND m.state IN ('sending', 'uncertain')
    RETURNING m.id
    """
)

ATTEMPTS = text(
    """
    INSERT INTO outbox_attempts
      (tenant_id, message_id, number, started_at, finished_at, outcome, zalo_code, kind, detail)
    SELECT :tenant, r.id, (SELECT count(*) + 1 FROM outbox_attempts a WHERE a.tenant_id = :tenant AND a.message_id = r.id),
           r.started_at, :now, r.outcome, r.zalo_code, r.kind, r.detail
    FROM unnest(
      CAST(:ids AS uuid[]), CAST(:started AS timestamptz[]), CAST(:outcomes AS text[]), CAST(:codes AS integer[]),
      CAST(:kinds AS text[]), CAST(:details AS text[])
    ) AS r(id, started_at, outcome, zalo_code, kind, detail)
    """
)


async def claim(
    session: AsyncSession, tenant_id: UUID, worker: UUID, *, lanes: tuple[int, int], most: int, open_: int
) -> list[Claimed]:
    """Up to `most` due messages of the lanes, of which at most `open_` are not replies; now `sending`, in order."""
    await session.execute(SERIALISE, {"tenant": str(tenant_id)})
    rows = await session.execute(
        CLAIM, {"tenant": tenant_id, "worker": worker, "first": lanes[0], "last": lanes[1], "most": most, "open": open_}
    )
    ordered = sorted(rows.all(), key=lambda row: (row.lane, row.seq))
    return [
        Claimed(row.id, row.lane, row.citizen_id, row.body_sealed, row.attempts, row.created_at, row.caused_at)
        for row in ordered
    ]


async def record(session: AsyncSession, tenant_id: UUID, worker: UUID, results: Sequence[Result]) -> int:
    """Write what became of messages this worker had claimed; answers how many rows still were its own."""
    ids = [result.id for result in results]
    now = clock.now()
    changed = await session.execute(
        RECORD,
        {
            "tenant": tenant_id,
            "worker": worker,
            "now": now,
            "ids": ids,
            "states": [result.state for result in results],
            "dues": [result.due_at for result in results],
            "counts": [result.counts for result in results],
            "zalo_ids": [result.zalo_message_id for result in results],
        },
    )
    await session.execute(
        ATTEMPTS,
        {
            "tenant": tenant_id,
            "now": now,
            "ids": ids,
            "started": [result.started_at for result in results],
            "outcomes": [result.outcome for result in results],
            "codes": [result.zalo_code for result in results],
            "kinds": [result.kind for result in results],
            "details": [result.detail for result in results],
        },
    )
    return len(changed.all())
