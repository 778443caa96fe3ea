"""Settling what a crash or a lost reply left unknown: by Zalo's echo, by Zalo's own history, else by the contract.

The contract: a reply is not repeated, a status notice is repeated once, a campaign message never.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.db.session import Database
from govchat.kit import clock
from govchat.outbox.models import OutboxMessageRow
from govchat.outbox.put import Lane

MARK_UNCERTAIN = text(
    """
    UPDATE outbox_messages
    SET state = CASE WHEN zalo_message_id IS NULL THEN 'uncertain' ELSE 'sent' END,
        settled_by = CASE WHEN zalo_message_id IS NULL THEN NULL ELSE 'echo' END,
        finished_at = CASE WHEN zalo_message_id IS NULL THEN NULL ELSE clock_timestamp() END
    WHERE tenant_id = :tenant AND state = 'sending' AND settled_by IS NULL AND lane BETWEEN :first AND :last
      AND claimed_at < clock_timestamp() - CAST(:after AS interval)
    RETURNING id, state
    """
)

ECHOES = "SELECT outbox_note_echoes($1, $2, $3, $4)"

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


async def note_echoes(db: Database, echoes: Sequence[tuple[UUID, str, str, bytes]]) -> int:
    """Zalo's `oa_send_*` echoes as (tenant, user id, message id, echo hash), many tenants at once: they settle uncertain messages of the
    same text. Answers for how many."""
    by_tenant = sorted(echoes, key=lambda echo: echo[0])  # stable: each tenant's in the order in which they came
    return int(await db.call(ECHOES, *zip(*by_tenant, strict=True))) if echoes else 0


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
