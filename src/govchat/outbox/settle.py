"""Settling what a crash or a lost reply left unknown: by Zalo's echo, by Zalo's own history, else by the contract.

The contract: a reply is not repeated, a status notice is repeated once, a campaign message never.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit import clock
from govchat.outbox.models import OutboxMessageRow
from govchat.outbox.put import Lane

MARK_UNCERTAIN = text(
    """
    UPDATE outbox_messages
    SET state = CASE WHEN zalo_message_id IS NULL THEN 'uncertain' ELSE 'sent' END,
        settled_by = CASE WHEN zalo_message_id IS NULL THEN NULL ELSE 'echo' END,
        finished_at = CASE WHEN zalo_message_id IS NULL THEN NULL ELSE clock_timestamp() END
    WHERE tenant_id = :tenant AND state = 'sending' AND lane BETWEEN :first AND :last
      AND claimed_at < clock_timestamp() - CAST(:after AS interval)
    RETURNING id, state
    """
)

# The first unknown echo of a text belongs to the citizen's first open message of that text, the second to the second: one
# echo never settles two messages of the same words. A message that is still `sending` only notes the id, for the sweeper.
ECHO = text(
    """
    UPDATE outbox_messages m
    SET zalo_message_id = e.msg_id,
        state = CASE WHEN m.state = 'uncertain' THEN 'sent' ELSE m.state END,
        settled_by = CASE WHEN m.state = 'uncertain' THEN 'echo' ELSE m.settled_by END,
        finished_at = CASE WHEN m.state = 'uncertain' THEN clock_timestamp() ELSE m.finished_at END
    FROM (
      SELECT o.id, heard.msg_id
      FROM (
        SELECT c.id AS citizen_id, e.msg_id, e.echo_hash,
               row_number() OVER (PARTITION BY c.id, e.echo_hash ORDER BY min(e.place)) AS nth
        FROM unnest(CAST(:users AS text[]), CAST(:msg_ids AS text[]), CAST(:hashes AS bytea[]))
          WITH ORDINALITY AS e(user_id, msg_id, echo_hash, place)
        JOIN citizens c ON c.tenant_id = :tenant AND c.zalo_user_id = e.user_id
        WHERE NOT EXISTS (
          SELECT FROM outbox_messages known WHERE known.tenant_id = :tenant AND known.zalo_message_id = e.msg_id)
        GROUP BY c.id, e.msg_id, e.echo_hash
      ) heard
      JOIN LATERAL (
        SELECT q.id, row_number() OVER (ORDER BY q.seq) AS nth
        FROM outbox_messages q
        WHERE q.tenant_id = :tenant AND q.citizen_id = heard.citizen_id AND q.echo_hash = heard.echo_hash
          AND q.state IN ('sending', 'uncertain') AND q.zalo_message_id IS NULL
      ) o ON o.nth = heard.nth
    ) e
    WHERE m.tenant_id = :tenant AND m.id = e.id
    RETURNING m.id
    """
)

KNOWN = text("SELECT zalo_message_id FROM outbox_messages WHERE tenant_id = :tenant AND zalo_message_id = ANY(:ids)")


class Doubt(msgspec.Struct, frozen=True):
    """An uncertain message that nothing has settled yet."""

    id: UUID
    lane: int
    cause: str
    citizen_id: UUID
    echo_hash: bytes
    claimed_at: datetime
    repeats: int


async def mark_uncertain(session: AsyncSession, tenant_id: UUID, *, lanes: tuple[int, int], after: timedelta) -> int:
    """Messages `sending` for longer than `after` belong to a process that is gone; answers how many became uncertain."""
    rows = await session.execute(
        MARK_UNCERTAIN, {"tenant": tenant_id, "first": lanes[0], "last": lanes[1], "after": after}
    )
    return sum(row.state == "uncertain" for row in rows.all())


async def note_echoes(session: AsyncSession, tenant_id: UUID, echoes: Sequence[tuple[str, str, bytes]]) -> int:
    """Zalo's `oa_send_*` echoes as (user id, message id, echo hash): they settle uncertain messages of the same text."""
    if not echoes:
        return 0
    users, msg_ids, hashes = zip(*echoes, strict=True)
    rows = await session.execute(
        ECHO, {"tenant": tenant_id, "users": list(users), "msg_ids": list(msg_ids), "hashes": list(hashes)}
    )
    return len(rows.all())


async def doubts(session: AsyncSession, tenant_id: UUID, *, lanes: tuple[int, int], most: int = 20) -> list[Doubt]:
    """Uncertain messages that are not settled, oldest first."""
    rows = await session.scalars(
        select(OutboxMessageRow)
        .where(
            OutboxMessageRow.tenant_id == tenant_id,
            OutboxMessageRow.state == "uncertain",
            OutboxMessageRow.settled_by.is_(None),
            OutboxMessageRow.lane.between(*lanes),
        )
        .order_by(OutboxMessageRow.seq)
        .limit(most)
    )
    return [
        Doubt(row.id, row.lane, row.cause, row.citizen_id, row.echo_hash, row.claimed_at or row.created_at, row.repeats)
        for row in rows
    ]


async def known_ids(session: AsyncSession, tenant_id: UUID, ids: Sequence[str]) -> set[str]:
    """Those of Zalo's message ids that already stand for a message of ours: they prove nothing about another one."""
    rows = await session.scalars(KNOWN, {"tenant": tenant_id, "ids": list(ids)})
    return set(rows.all())


async def settle(
    session: AsyncSession, tenant_id: UUID, doubt: Doubt, *, said: bool | None, zalo_id: str | None = None
) -> str:
    """Settle one doubt. `said` is what Zalo's history proves: True it was said, False it was not, None it can't tell.

    Answers `sent`, `repeated` (queued again) or `uncertain` (left as it is, for good).
    """
    values: dict[str, object]
    if said:
        values = {"state": "sent", "settled_by": "history", "zalo_message_id": zalo_id, "finished_at": clock.now()}
        outcome = "sent"
    elif said is False or (doubt.lane == Lane.NOTICE and doubt.repeats == 0):
        values = {"state": "queued", "claimed_by": None, "due_at": clock.now(), "repeats": doubt.repeats + 1}
        outcome = "repeated"
    else:
        values = {"settled_by": "contract", "finished_at": clock.now()}
        outcome = "uncertain"
    result = await session.execute(
        update(OutboxMessageRow)
        .where(
            OutboxMessageRow.tenant_id == tenant_id,
            OutboxMessageRow.id == doubt.id,
            OutboxMessageRow.state == "uncertain",
            OutboxMessageRow.claimed_at == doubt.claimed_at,
        )
        .values(values)
        .returning(OutboxMessageRow.id)
    )
    return outcome if result.first() else "settled elsewhere"
