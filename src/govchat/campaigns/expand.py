"""The audience becomes outbox rows: a page is one statement, and the place where the next one begins is kept in the same transaction.

A page goes through citizens in the order of their ids from the campaign's cursor. Killed anywhere, either the page and its cursor are there
or neither; the unique key of (campaign, citizen) keeps a page that runs twice from telling anybody twice.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.campaigns.audience import Audience, condition, may_be_told
from govchat.campaigns.models import CampaignRow
from govchat.kit import clock
from govchat.tenants import testers
from govchat.tenants.registry import Tenant
from govchat.tenants.trial import Act

PAGE = 5000
FIRST = UUID(int=0)

# The conditions are put in by `condition` and `may_be_told`, which bind every value.
EXPAND = """
    WITH page AS MATERIALIZED (
      SELECT c.id FROM citizens c
      WHERE c.tenant_id = :tenant AND c.id > :after AND ({audience}) AND ({told})
      ORDER BY c.id LIMIT :size
    ), put AS (
      INSERT INTO outbox_messages
        (tenant_id, id, lane, cause, caused_at, due_at, citizen_id, body_ref, echo_hash, state, finished_at)
      SELECT :tenant, outbox_new_id(), 3, 'campaign:' || CAST(:campaign AS text),
             CAST(:caused_at AS timestamptz), clock_timestamp(), p.id, :body, :echo, CAST(:state AS text),
             CASE WHEN CAST(:state AS text) = 'skipped' THEN clock_timestamp() END
      FROM page p ORDER BY p.id
      ON CONFLICT (tenant_id, body_ref, citizen_id) WHERE body_ref IS NOT NULL DO NOTHING
      RETURNING 1
    ), counted AS (
      UPDATE outbox_bodies b
      SET planned = b.planned + n.put, skipped = b.skipped + CASE WHEN CAST(:state AS text) = 'skipped' THEN n.put ELSE 0 END
      FROM (SELECT count(*) AS put FROM put) n
      WHERE b.tenant_id = :tenant AND b.id = :body
    )
    UPDATE campaigns k
    SET cursor = coalesce((SELECT id FROM page ORDER BY id DESC LIMIT 1), k.cursor),
        expanded = (SELECT count(*) FROM page) < :size
    WHERE k.tenant_id = :tenant AND k.id = :body
    RETURNING k.expanded, (SELECT count(*) FROM put) AS put
"""

TAKE = text(
    """
    SELECT id FROM campaigns WHERE tenant_id = :tenant AND id = :campaign AND state = 'running' AND NOT expanded
    FOR UPDATE SKIP LOCKED
    """
)

# What waits: of campaigns by their counts, of everything else as far as it matters.
UNSENT = text(
    """
    SELECT coalesce(sum(b.planned - b.sent - b.uncertain - b.failed - b.skipped), 0)
         - coalesce((SELECT sum(y.by) FROM outbox_tallies y
                     JOIN campaigns k ON k.tenant_id = :tenant AND k.id = y.body_ref AND k.state IN ('running', 'paused')
                     WHERE y.tenant_id = :tenant), 0)
         + (SELECT count(*) FROM (SELECT FROM outbox_messages m
            WHERE m.tenant_id = :tenant AND m.state = 'queued' AND m.body_ref IS NULL LIMIT :most) others)
    FROM outbox_bodies b
    JOIN campaigns c ON c.tenant_id = :tenant AND c.id = b.id AND c.state IN ('running', 'paused')
    WHERE b.tenant_id = :tenant
    """
)

TESTERS = """
    SELECT c.id, c.zalo_user_id FROM tenant_testers t
    JOIN citizens c ON c.tenant_id = t.tenant_id AND c.zalo_user_id = t.zalo_user_id
    WHERE t.tenant_id = :tenant AND c.id > :after AND ({audience}) AND ({told})
    ORDER BY c.id
"""


class Page(msgspec.Struct, frozen=True):
    """What a page put, and whether it was the last."""

    put: int
    last: bool


async def unsent(session: AsyncSession, tenant_id: UUID, most: int) -> int:
    """Messages of the province that have not been said, at least; exact up to `most`."""
    return int(await session.scalar(UNSENT, {"tenant": tenant_id, "most": most + 1}) or 0)


async def expand(
    session: AsyncSession, tenant: Tenant, campaign_id: UUID, *, echo: bytes, size: int = PAGE
) -> Page | None:
    """Put the next page of a running campaign, in the caller's transaction; None when another process is at it or there is none.

    In a province on trial only testers are put, as far as the day's allowance goes; of a campaign made by a test key everybody is put as
    `skipped`: it shows what would have happened, and nothing is sent.
    """
    if (await session.execute(TAKE, {"tenant": tenant.id, "campaign": campaign_id})).first() is None:
        return None
    row = await session.get(CampaignRow, (tenant.id, campaign_id), populate_existing=True)
    assert row is not None
    where = condition(msgspec.convert(row.audience, Audience), row.started_at or clock.now())
    told = may_be_told(row.class_)  # type: ignore[arg-type]
    values: dict[str, Any] = {
        "tenant": tenant.id, "after": row.cursor or FIRST, "campaign": str(campaign_id), "body": campaign_id, "echo": echo,
        "caused_at": row.started_at or clock.now(), "state": "skipped" if row.test else "queued", "size": size, **where.values,
    }  # fmt: skip
    audience = where.sql
    if tenant.state == "trial" and not row.test:
        chosen = await _testers(session, tenant, audience, told, values)
        audience, values["chosen"], values["size"] = "c.id = ANY(CAST(:chosen AS uuid[]))", chosen, len(chosen) + 1
    statement = text(EXPAND.format(audience=audience, told=told))
    done = (await session.execute(statement, values)).one()
    return Page(int(done.put), bool(done.expanded))


async def _testers(
    session: AsyncSession, tenant: Tenant, audience: str, told: str, values: dict[str, Any]
) -> Sequence[UUID]:
    """The testers of the audience whom the gate lets through today."""
    statement = text(TESTERS.format(audience=audience, told=told))
    bound = {name: value for name, value in values.items() if f":{name}" in statement.text}
    people = (await session.execute(statement, bound)).all()
    chosen = []
    for person in people:
        verdict = await testers.gate(session, tenant.id, tenant.state, recipient=person.zalo_user_id)
        if verdict.act is Act.SEND:
            chosen.append(person.id)
    return chosen
