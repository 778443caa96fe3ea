"""Asking those who followed a dossier how it went, once, a while after its result, and only where it costs nothing.

Set-based: one look for candidates, one statement for the rows, one for the messages. Whoever is out of reach now is looked at again until
a week after the result; nothing is bought for a question.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.consent import BY_PHONE
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.kit.phrases import fill, overlaid
from govchat.notices.channel import FREE_FOR, Case, Decision, decide
from govchat.notices.policy import Policy, policy_of
from govchat.notices.quiet import jitter_of
from govchat.outbox.put import Draft, Lane, put
from govchat.ratings.scale import ROOM, buttons
from govchat.ratings.settings import settings_of
from govchat.tenants.phrases import own_phrases
from govchat.zalo import messages

# The result's own notice comes first, and a moment to look at it.
AFTER = timedelta(hours=2)
UNTIL = timedelta(days=7)
MOST = 500

CANDIDATES = text(
    """
    SELECT d.id AS dossier_id, d.code, d.unit, d.procedure_code, c.id AS citizen_id, c.zalo_user_id, c.last_interaction_at,
           EXISTS (SELECT FROM tenant_testers t WHERE t.tenant_id = :tenant AND t.zalo_user_id = c.zalo_user_id) AS is_tester,
           ARRAY(SELECT b.channel FROM citizen_blocks b
                 WHERE b.tenant_id = :tenant AND b.citizen_id = c.id AND (b.until IS NULL OR b.until > :now)
                   AND c.last_interaction_at <= b.since) AS blocked
    FROM dossiers d
    JOIN dossier_followers f ON f.tenant_id = :tenant AND f.dossier_id = d.id AND f.ended_at IS NULL
      AND (f.how <> 'phone' OR f.proof_hash = d.phone_index)
    JOIN citizens c ON c.tenant_id = :tenant AND c.id = f.citizen_id AND c.last_interaction_at > :spoke_since
      AND (c.muted_until IS NULL OR c.muted_until <= :now)
    LEFT JOIN consents s ON s.tenant_id = :tenant AND s.citizen_id = c.id AND s.purpose = 'survey'
    WHERE d.tenant_id = :tenant AND d.finished_at > :since AND d.finished_at <= :before AND d.status IN (9, 10)
      AND NOT EXISTS (SELECT FROM ratings r WHERE r.tenant_id = :tenant AND r.dossier_id = d.id)
      AND CASE WHEN CAST(:all AS boolean) THEN s.state IS DISTINCT FROM 'withdrawn' ELSE s.state = 'granted' END
    ORDER BY d.finished_at, d.id, c.id LIMIT :most
    """
)

INVITED = text(
    """
    INSERT INTO ratings (tenant_id, dossier_id, id, unit, procedure_code, state, levels, invited_at)
    SELECT :tenant, r.dossier_id, r.id, r.unit, r.procedure, 'invited', :levels, :now
    FROM unnest(CAST(:dossiers AS uuid[]), CAST(:ids AS uuid[]), CAST(:units AS text[]), CAST(:procedures AS text[]))
      AS r(dossier_id, id, unit, procedure)
    ON CONFLICT (tenant_id, dossier_id) DO NOTHING RETURNING dossier_id
    """
)


async def invite_due(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, *, now: datetime | None = None, most: int = MOST
) -> int:
    """Invite whoever may be asked now; answers how many messages were put. For a periodic act, every few minutes."""
    at = now or clock.now()
    settings = await settings_of(session, tenant_id)
    if settings.invite == "nobody":
        return 0
    found = await session.execute(
        CANDIDATES,
        {
            "tenant": tenant_id, "now": at, "since": at - UNTIL, "before": at - AFTER, "spoke_since": at - FREE_FOR,
            "all": settings.invite == "followers", "most": most,
        },
    )  # fmt: skip
    policy = await policy_of(session, tenant_id, at)
    open_ = [(row, decision) for row in found.all() if (decision := _decide(policy, row, at)).channel is not None]
    dossiers = {row.dossier_id: row for row, _ in open_}
    if not dossiers:
        return 0
    invited = await session.execute(
        INVITED,
        {
            "tenant": tenant_id, "levels": settings.levels, "now": at, "dossiers": list(dossiers),
            "ids": [new_id() for _ in dossiers], "units": [row.unit for row in dossiers.values()],
            "procedures": [row.procedure_code for row in dossiers.values()],
        },
    )  # fmt: skip
    fresh = set(invited.scalars())
    with overlaid(await own_phrases(session, tenant_id, ROOM)):
        drafts = [_draft(row, decision, settings.levels, at) for row, decision in open_ if row.dossier_id in fresh]
    return await put(session, vault, tenant_id, drafts)


def _decide(policy: Policy, row: Row[Any], now: datetime) -> Decision:
    return decide(
        Case(
            now=now,
            earliest=now,
            tenant_state=policy.state,
            is_tester=row.is_tester,
            known_to_zalo=not row.zalo_user_id.startswith(BY_PHONE),
            last_interaction=row.last_interaction_at,
            blocked=frozenset(row.blocked),
            quiet=policy.quiet,
            jitter=jitter_of(row.citizen_id.bytes, now.astimezone(VN).date()),
        )
    )


def _draft(row: Row[Any], decision: Decision, levels: int, now: datetime) -> Draft:
    words = fill(ROOM, "invite", code=row.code, unit=row.unit)
    due = decision.due_at
    return Draft(
        citizen_id=row.citizen_id,
        message=messages.text(row.zalo_user_id, words, buttons(row.code, levels)),
        lane=Lane.NOTICE,
        dedupe_key=f"rating:{row.dossier_id}:{row.citizen_id}",
        cause=f"rating:{row.dossier_id}",
        caused_at=now,
        due_at=due if due and due > now else None,
    )
