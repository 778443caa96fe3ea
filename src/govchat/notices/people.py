"""Who hears of a dossier's changes, read in one query for any number of dossiers, with all that a decision looks at.

A notice that was planned and not yet claimed is locked on the way: it can still be taken back in favour of a newer one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.consent import BY_PHONE

# Each table is looked into by its key, row by row, whatever the planner knows or doesn't yet know of it: `OFFSET 0` keeps a lateral
# subquery from becoming a join over the province's whole table, as happens after a large import; a condition that stands outside of it,
# or on `state || ''`, keeps a partial index from being read from end to end in place of the key.
PEOPLE = text(
    """
    WITH followed AS MATERIALIZED (
      SELECT f.dossier_id, f.citizen_id, f.how, f.proof_hash, f.hushed_until
      FROM unnest(CAST(:dossiers AS uuid[])) AS asked(dossier_id) CROSS JOIN LATERAL (
        SELECT o.dossier_id, o.citizen_id, o.how, o.proof_hash, o.hushed_until, o.ended_at FROM dossier_followers o
        WHERE o.tenant_id = :tenant AND o.dossier_id = asked.dossier_id OFFSET 0) f
      WHERE f.ended_at IS NULL AND (CAST(:citizen AS uuid) IS NULL OR f.citizen_id = :citizen)
    ), unsaid AS MATERIALIZED (
      SELECT n.* FROM followed f CROSS JOIN LATERAL (
        SELECT u.dossier_id, u.citizen_id, u.id AS notice_id, u.number, u.caused_at, u.decision->'merged' AS merged, u.message_id
        FROM notices u
        WHERE u.tenant_id = :tenant AND u.dossier_id = f.dossier_id AND u.citizen_id = f.citizen_id AND u.state = 'planned' OFFSET 0) n
    ), free AS MATERIALIZED (
      SELECT m.id FROM outbox_messages m
      WHERE m.tenant_id = :tenant AND m.id = ANY(ARRAY(SELECT message_id FROM unsaid)) AND m.state || '' = 'queued' AND m.attempts = 0
      FOR UPDATE SKIP LOCKED
    ), waiting AS MATERIALIZED (
      SELECT u.*, t.cost, t.money, t.period FROM free JOIN unsaid u ON u.message_id = free.id CROSS JOIN LATERAL (
        SELECT y.cost, y.money, y.period FROM notice_tries y WHERE y.tenant_id = :tenant AND y.message_id = free.id OFFSET 0) t
    )
    SELECT f.*, c.zalo_user_id, c.last_interaction_at, c.phone_index,
           (SELECT s.state FROM consents s
            WHERE s.tenant_id = :tenant AND s.citizen_id = f.citizen_id AND s.purpose = 'status') AS status_consent,
           (SELECT p.state FROM consents p
            WHERE p.tenant_id = :tenant AND p.citizen_id = f.citizen_id AND p.purpose = 'phone') AS phone_consent,
           (SELECT h.phone_sealed FROM citizen_phones h WHERE h.tenant_id = :tenant AND h.citizen_id = f.citizen_id) AS phone_sealed,
           ARRAY(SELECT b.channel FROM citizen_blocks b
                 WHERE b.tenant_id = :tenant AND b.citizen_id = f.citizen_id AND (b.until IS NULL OR b.until > :now)
                   AND (b.channel = 'phone' OR c.last_interaction_at IS NULL OR c.last_interaction_at <= b.since)) AS blocked,
           EXISTS (SELECT FROM tenant_testers r WHERE r.tenant_id = :tenant
                     AND r.zalo_user_id IN (c.zalo_user_id, 'tel:' || left(encode(c.phone_index, 'hex'), 32))) AS is_tester,
           w.notice_id, w.number AS waiting_number, w.caused_at, w.merged, w.message_id, w.cost, w.money, w.period,
           l.last_said, l.last_number
    FROM followed f
    CROSS JOIN LATERAL (
      SELECT z.zalo_user_id, z.last_interaction_at, z.phone_index FROM citizens z
      WHERE z.tenant_id = :tenant AND z.id = f.citizen_id OFFSET 0) c
    LEFT JOIN waiting w ON w.dossier_id = f.dossier_id AND w.citizen_id = f.citizen_id
    LEFT JOIN LATERAL (
      SELECT max(n.number) AS last_number,
             max(greatest(n.planned_at, n.due_at)) FILTER (WHERE n.state = 'planned' AND n.id IS DISTINCT FROM w.notice_id) AS last_said
      FROM notices n WHERE n.tenant_id = :tenant AND n.dossier_id = f.dossier_id AND n.citizen_id = f.citizen_id
    ) l ON true
    ORDER BY f.dossier_id, f.citizen_id
    """
)


class Waiting(msgspec.Struct, frozen=True):
    """A notice of the same dossier to the same citizen that nobody has begun to say."""

    notice_id: UUID
    message_id: UUID
    number: int
    caused_at: datetime
    merged: tuple[int, ...]
    cost: int
    reserved: bool
    period: str


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A follower as the decision sees them."""

    dossier_id: UUID
    citizen_id: UUID
    how: str
    proof_hash: bytes | None
    hushed_until: datetime | None
    zalo_user_id: str
    last_interaction: datetime | None
    phone_index: bytes | None
    consent: str | None
    phone_consent: str | None
    phone_sealed: bytes | None
    blocked: frozenset[str]
    is_tester: bool
    last_said: datetime | None
    last_number: int
    waiting: Waiting | None

    @property
    def known_to_zalo(self) -> bool:
        return not self.zalo_user_id.startswith(BY_PHONE)


async def people_of(
    session: AsyncSession, tenant_id: UUID, dossiers: Sequence[UUID], now: datetime, *, citizen: UUID | None = None
) -> dict[UUID, list[Person]]:
    """The followers of each dossier; `citizen` narrows to one of them.

    Somebody who follows twice, by telephone number and through the Official Account, is there once.
    """
    rows = await session.execute(
        PEOPLE, {"tenant": tenant_id, "dossiers": list(dossiers), "now": now, "citizen": citizen}
    )
    found: dict[UUID, list[Person]] = {}
    for row in rows.all():
        found.setdefault(row.dossier_id, []).append(_person(row))
    return {dossier_id: once(people) for dossier_id, people in found.items()}


def once(people: list[Person]) -> list[Person]:
    """Each of them once, whoever is there by number and through the Official Account."""
    reached = {one.phone_index for one in people if one.known_to_zalo and one.phone_index is not None}
    return [one for one in people if one.known_to_zalo or one.phone_index not in reached]


def _person(row: Any) -> Person:
    waiting = None
    if row.message_id is not None:
        merged = tuple(row.merged or ())
        waiting = Waiting(
            row.notice_id, row.message_id, row.waiting_number, row.caused_at, merged, row.cost,
            row.money == "reserved", row.period,
        )  # fmt: skip
    return person_from(row, waiting)


def person_from(row: Any, waiting: Waiting | None = None) -> Person:
    """A follower from a row that has been read, by the names of `PEOPLE`'s columns."""
    return Person(
        dossier_id=row.dossier_id,
        citizen_id=row.citizen_id,
        how=row.how,
        proof_hash=row.proof_hash,
        hushed_until=row.hushed_until,
        zalo_user_id=row.zalo_user_id,
        last_interaction=row.last_interaction_at,
        phone_index=row.phone_index,
        consent=row.status_consent,
        phone_consent=row.phone_consent,
        phone_sealed=row.phone_sealed,
        blocked=frozenset(row.blocked),
        is_tester=row.is_tester,
        last_said=row.last_said,
        last_number=row.last_number or 0,
        waiting=waiting,
    )
