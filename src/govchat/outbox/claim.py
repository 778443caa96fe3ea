"""Claiming due messages and recording what became of them: the two short transactions around the network.

Each is one SQL function for many provinces, in a transaction of its own (see the functions of revisions 0003, 0012 and 0027). Claims of one
province are serialised there, so two workers can never hold two messages of one citizen at once, and what one citizen is told keeps
its order.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from uuid import UUID

import msgspec

from govchat.db.session import Database
from govchat.kit import clock
from govchat.outbox.put import Lane


class Shared(msgspec.Struct, frozen=True):
    """What makes the body of a campaign this recipient's own: their id at Zalo, the way, and what is known for the words."""

    body_ref: UUID
    user_id: str
    channel: str
    commune: str | None
    list_id: UUID | None
    fields_sealed: bytes | None


class Claimed(msgspec.Struct, frozen=True):
    """A message this process now holds as `sending`; `shared` when its body is that of all recipients of a campaign."""

    id: UUID
    lane: int
    citizen_id: UUID
    body_sealed: bytes
    attempts: int
    created_at: datetime
    caused_at: datetime
    shared: Shared | None = None


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


CLAIM = "SELECT * FROM outbox_claim_within($1, $2, $3, $4, $5, $6)"
CLAIM_BULK = "SELECT * FROM outbox_claim_bulk_within($1, $2, $3, $4, $5)"
RECORD = "SELECT outbox_record($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"


async def claim(
    db: Database, worker: UUID, lanes: tuple[int, int], wants: Sequence[Want]
) -> tuple[dict[UUID, list[Claimed]], set[UUID]]:
    """Due messages of the lanes by tenant, each tenant's in order, now `sending` and committed; and the tenants for which another
    process is claiming at this moment. What campaigns put is claimed where the campaign lane is asked for alone."""
    asked = (
        [want.tenant_id for want in wants],
        [want.most for want in wants],
        [want.open for want in wants],
    )
    bulk = lanes == (Lane.CAMPAIGN, Lane.CAMPAIGN)
    if bulk:
        rows = await db.rows(CLAIM_BULK, worker, clock.now(), *asked)
    else:
        rows = await db.rows(CLAIM, worker, *lanes, *asked)
    # By place, as the functions name them: this is done for every message.
    held = {row[0] for row in rows if row[1] is None}
    claimed: dict[UUID, list[Claimed]] = {}
    for row in sorted((row for row in rows if row[1] is not None), key=_lane_and_seq):
        tenant_id, message_id, lane, citizen_id, body_sealed, attempts, created_at, caused_at, _, *shared = row
        own = Shared(*shared) if shared and shared[0] is not None else None
        claimed.setdefault(tenant_id, []).append(
            Claimed(message_id, lane, citizen_id, body_sealed, attempts, created_at, caused_at, own)
        )
    return claimed, held


_lane_and_seq = itemgetter(2, 8)


async def record(db: Database, worker: UUID, results: Sequence[tuple[UUID, Result]]) -> int:
    """Write what became of messages (tenant, result) this worker had claimed, committed; answers how many rows still were its own."""
    # Tenant by tenant, as the function expects; and two at once in the same order.
    results = sorted(results, key=lambda one: (one[0], one[1].id))
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
