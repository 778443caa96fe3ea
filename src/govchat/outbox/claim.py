"""Claiming due messages and recording what became of them: the two short transactions around the network.

Each is one SQL function for many provinces, in a transaction of its own (see the functions of revision 0009). Claims of one province are
serialised there, so two workers can never hold two messages of one citizen at once, and what one citizen is told keeps its order.
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


class Want(msgspec.Struct, frozen=True):
    """How many messages of one tenant may be claimed, of which at most `open` are not replies."""

    tenant_id: UUID
    most: int
    open: int


CLAIM = "SELECT * FROM outbox_claim($1, $2, $3, $4, $5, $6)"
RECORD = "SELECT outbox_record($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"


async def claim(
    db: Database, worker: UUID, lanes: tuple[int, int], wants: Sequence[Want]
) -> tuple[dict[UUID, list[Claimed]], set[UUID]]:
    """Due messages of the lanes by tenant, each tenant's in order, now `sending` and committed; and the tenants for which another
    process is claiming at this moment."""
    rows = await db.rows(
        CLAIM,
        worker,
        *lanes,
        [want.tenant_id for want in wants],
        [want.most for want in wants],
        [want.open for want in wants],
    )
    held = {row["tenant_id"] for row in rows if row["id"] is None}
    claimed: dict[UUID, list[Claimed]] = {}
    for row in sorted((row for row in rows if row["id"] is not None), key=lambda row: (row["lane"], row["seq"])):
        claimed.setdefault(row["tenant_id"], []).append(
            Claimed(
                row["id"],
                row["lane"],
                row["citizen_id"],
                row["body_sealed"],
                row["attempts"],
                row["created_at"],
                row["caused_at"],
            )
        )
    return claimed, held


async def record(db: Database, worker: UUID, results: Sequence[tuple[UUID, Result]]) -> int:
    """Write what became of messages (tenant, result) this worker had claimed, committed; answers how many rows still were its own."""
    kept = await db.call(
        RECORD,
        worker,
        clock.now(),
        [tenant_id for tenant_id, _ in results],
        [result.id for _, result in results],
        [result.state for _, result in results],
        [result.due_at for _, result in results],
        [result.counts for _, result in results],
        [result.zalo_message_id for _, result in results],
        [result.started_at for _, result in results],
        [result.outcome for _, result in results],
        [result.zalo_code for _, result in results],
        [result.kind for _, result in results],
        [result.detail for _, result in results],
    )
    return len(kept)
