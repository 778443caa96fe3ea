"""Writing decisions down: notices, their first tries, what they replace and what they reserve, in one statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit.crypto import TenantVault
from govchat.notices.budget import Purse
from govchat.notices.change import Change
from govchat.notices.channel import Channel, Decision
from govchat.notices.people import Person, Waiting
from govchat.notices.quiet import day_of, month_of
from govchat.notices.weigh import Said


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One decision to be written down. `key` is the dedupe key of its message, if it has one."""

    id: UUID
    key: str
    said: Said
    person: Person
    decision: Decision
    record: dict[str, Any]
    waiting: Waiting | None
    caused_at: datetime
    test: bool

    @property
    def state(self) -> str:
        if self.test:
            return "test"
        if self.decision.channel is not None:
            return "planned"
        # With nothing against a channel, nobody was to be told; else no channel was open.
        return "none" if self.decision.against else "withheld"


# A replaced notice's message is skipped, and its money is the province's again.
STORE = text(
    """
    WITH skipped AS (
      UPDATE outbox_messages SET state = 'skipped', finished_at = :now, settled_by = 'merged'
      WHERE tenant_id = :tenant AND id = ANY(CAST(:replaced AS uuid[])) AND state = 'queued'
    ), merged AS (
      UPDATE notices n SET state = 'merged', merged_into = r.into_
      FROM unnest(CAST(:olds AS uuid[]), CAST(:news AS uuid[])) AS r(old, into_)
      WHERE n.tenant_id = :tenant AND n.id = r.old
    ), refunded AS (
      UPDATE notice_tries SET money = 'refunded'
      WHERE tenant_id = :tenant AND message_id = ANY(CAST(:replaced AS uuid[])) AND money = 'reserved'
    ), reserved AS (
      UPDATE notice_budgets b SET reserved = b.reserved + s.reserved, messages = b.messages + s.messages, by_phone = b.by_phone + s.by_phone
      FROM unnest(CAST(:periods AS text[]), CAST(:amounts AS integer[]), CAST(:counts AS integer[]), CAST(:phones AS integer[]))
        AS s(period, reserved, messages, by_phone)
      WHERE b.tenant_id = :tenant AND b.period = s.period
    ), trial AS (
      UPDATE trial_days SET sent = sent + CAST(:trial AS integer)
      WHERE tenant_id = :tenant AND day = CAST(CAST(:day AS text) AS date) AND CAST(:trial AS integer) > 0
    ), written AS (
      INSERT INTO notices (tenant_id, id, dossier_id, number, citizen_id, kind, state, channel, reason, decision, facts_sealed,
                           wording_version, message_id, caused_at, planned_at, due_at)
      SELECT :tenant, d.id, d.dossier_id, d.number, d.citizen_id, d.kind, d.state, d.channel, d.reason, CAST(d.decision AS jsonb), d.facts,
             d.version, m.id, d.caused_at, :now, d.due_at
      FROM unnest(
        CAST(:ids AS uuid[]), CAST(:dossiers AS uuid[]), CAST(:numbers AS integer[]), CAST(:citizens AS uuid[]), CAST(:kinds AS text[]),
        CAST(:states AS text[]), CAST(:channels AS text[]), CAST(:reasons AS text[]), CAST(:decisions AS text[]), CAST(:facts AS bytea[]),
        CAST(:versions AS integer[]), CAST(:keys AS text[]), CAST(:caused AS timestamptz[]), CAST(:dues AS timestamptz[])
      ) AS d(id, dossier_id, number, citizen_id, kind, state, channel, reason, decision, facts, version, key, caused_at, due_at)
      LEFT JOIN outbox_messages m ON d.state = 'planned' AND m.tenant_id = :tenant AND m.dedupe_key = d.key
      ON CONFLICT (tenant_id, dossier_id, number, citizen_id) DO NOTHING
      RETURNING id, message_id, channel, decision
    )
    INSERT INTO notice_tries (tenant_id, message_id, notice_id, number, channel, template_id, cost, money, period, held, planned_at)
    SELECT :tenant, w.message_id, w.id, 1, w.channel, w.decision->>'template_id', CAST(w.decision->>'cost' AS integer),
           CASE WHEN CAST(w.decision->>'cost' AS integer) > 0 THEN 'reserved' ELSE 'none' END, :month,
           CAST(w.decision->>'held' AS boolean), :now
    FROM written w WHERE w.message_id IS NOT NULL
    ON CONFLICT DO NOTHING
    """
)


def facts_context(notice_id: UUID) -> str:
    """Where the change stands that a notice tells of, for sealing."""
    return f"notices.facts/{notice_id}"


def facts_of(vault: TenantVault, planned: Planned) -> bytes:
    """The change of a notice, sealed for its row."""
    return vault.seal(msgspec.msgpack.encode(planned.said.change), facts_context(planned.id))


def read_facts(vault: TenantVault, notice_id: UUID, sealed: bytes) -> Change:
    """The change a notice tells of."""
    return msgspec.msgpack.decode(vault.open(sealed, facts_context(notice_id)), type=Change)


async def store(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    planned: Sequence[Planned],
    purse: Purse | None,
    now: datetime,
) -> None:
    """Write the decisions; their messages have been put already and are found by their keys."""
    replaced = [one for one in planned if one.waiting is not None]
    encoder = msgspec.json.Encoder()
    await session.execute(
        STORE,
        {
            "tenant": tenant_id,
            "now": now,
            "month": purse.month if purse else month_of(now),
            "day": purse.day if purse else day_of(now),
            "trial": sum(one.decision.channel is not None and one.waiting is None for one in planned)
            if purse and purse.trial
            else 0,
            "replaced": [one.waiting.message_id for one in replaced if one.waiting],
            "olds": [one.waiting.notice_id for one in replaced if one.waiting],
            "news": [one.id for one in replaced],
            **_spending(planned, purse),
            "ids": [one.id for one in planned],
            "dossiers": [one.said.change.dossier_id for one in planned],
            "numbers": [one.said.change.number for one in planned],
            "citizens": [one.person.citizen_id for one in planned],
            "kinds": [one.said.kind.value for one in planned],
            "states": [one.state for one in planned],
            "channels": [one.decision.channel.value if one.decision.channel else None for one in planned],
            "reasons": [one.decision.reason for one in planned],
            "decisions": [encoder.encode(one.record).decode() for one in planned],
            "facts": [facts_of(vault, one) for one in planned],
            "versions": [one.said.version for one in planned],
            "keys": [one.key for one in planned],
            "caused": [one.caused_at for one in planned],
            "dues": [one.decision.due_at for one in planned],
        },
    )


def _spending(planned: Sequence[Planned], purse: Purse | None) -> dict[str, list[Any]]:
    """What the budget rows change by, replaced notices given back."""
    if purse is None:
        return {"periods": [], "amounts": [], "counts": [], "phones": []}
    chosen = [one for one in planned if one.decision.channel is not None]
    amounts = {purse.month: sum(one.decision.cost for one in chosen)}
    for one in planned:
        if one.waiting is not None and one.waiting.reserved:
            amounts[one.waiting.period] = amounts.get(one.waiting.period, 0) - one.waiting.cost
    by_phone = sum(one.decision.channel is Channel.PHONE for one in chosen)
    periods = [*amounts, purse.day]
    return {
        "periods": periods,
        "amounts": [*amounts.values(), 0],
        "counts": [0] * len(amounts) + [len(chosen)],
        "phones": [0] * len(amounts) + [by_phone],
    }
