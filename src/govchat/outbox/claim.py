"""Claiming due messages and recording what became of them: the two short transactions around the network.

Each is one SQL function in a transaction of its own (see the functions of revision 0001). Claims of one province are serialised there,
so two workers can never hold two messages of one citizen at once, and what one citizen is told keeps its order.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from govchat.db.session import Database
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


CLAIM = "SELECT * FROM outbox_claim($1, $2, $3, $4, $5, $6) ORDER BY lane, seq"
RECORD = "SELECT outbox_record($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"


async def claim(
    db: Database, tenant_id: UUID, worker: UUID, *, lanes: tuple[int, int], most: int, open_: int
) -> list[Claimed]:
    """Up to `most` due messages of the lanes, of which at most `open_` are not replies; now `sending` and committed, in order."""
    rows = await db.rows(CLAIM, tenant_id, worker, lanes[0], lanes[1], most, open_)
    return [
        Claimed(
            row["id"],
            row["lane"],
            row["citizen_id"],
            row["body_sealed"],
            row["attempts"],
            row["created_at"],
            row["caused_at"],
        )
        for row in rows
    ]


async def record(db: Database, tenant_id: UUID, worker: UUID, results: Sequence[Result]) -> int:
    """Write what became of messages this worker had claimed, committed; answers how many rows still were its own."""
    kept: int = await db.call(
        RECORD,
        tenant_id,
        worker,
        clock.now(),
        [result.id for result in results],
        [result.state for result in results],
        [result.due_at for result in results],
        [result.counts for result in results],
        [result.zalo_message_id for result in results],
        [result.started_at for result in results],
        [result.outcome for result in results],
        [result.zalo_code for result in results],
        [result.kind for result in results],
        [result.detail for result in results],
    )
    return kept
