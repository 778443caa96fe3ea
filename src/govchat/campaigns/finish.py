"""Ending a campaign: when everybody has been told, or when it was cancelled; and giving back the money that was not spent."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.campaigns import queries
from govchat.campaigns.models import CampaignRow
from govchat.kit import clock
from govchat.outbox.tally import Counts, counts_of

SWEPT_AT_ONCE = 5000

# A message that is being sent at this moment stays: what Zalo answers is recorded.
SWEEP = text(
    """
    UPDATE outbox_messages SET state = 'skipped', finished_at = clock_timestamp()
    WHERE tenant_id = :tenant AND state = 'queued' AND id IN (
      SELECT id FROM outbox_messages
      WHERE tenant_id = :tenant AND body_ref = :body AND state = 'queued' ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING 1
    """
)
SETTLE = text(
    """
    UPDATE notice_budgets SET reserved = reserved - :cost, spent = spent + :spent
    WHERE tenant_id = :tenant AND period = :month
    """
)


# A doubt that Zalo's history may still settle as "not said": that recipient is told again, so the campaign has not come to its end.
IN_DOUBT = text(
    """
    SELECT EXISTS (
      SELECT FROM outbox_messages
      WHERE tenant_id = :tenant AND state = 'uncertain' AND settled_by IS NULL AND body_ref = :body
        AND claimed_at > clock_timestamp() - CAST(:patience AS interval))
    """
)
# Zalo's history could not be read for so long that nobody waits for it: what is uncertain stays so.
LEAVE = text(
    """
    UPDATE outbox_messages SET settled_by = 'contract', finished_at = clock_timestamp()
    WHERE tenant_id = :tenant AND state = 'uncertain' AND settled_by IS NULL AND body_ref = :body
    """
)
PATIENCE = timedelta(minutes=2)


async def finish(session: AsyncSession, tenant_id: UUID, campaign_id: UUID) -> bool:
    """`done`, once everybody is planned, nobody waits and no doubt is worth waiting for; answers whether it is."""
    row = await queries.row_of(session, tenant_id, campaign_id, lock=True)
    counts, spent = (await counts_of(session, tenant_id, [campaign_id])).get(campaign_id, (Counts(), 0))
    if row.state != "running" or not row.expanded or counts.open:
        return False
    if counts.uncertain and await _in_doubt(session, tenant_id, campaign_id):
        return False
    row.state, row.finished_at = "done", clock.now()
    await session.execute(CLOSE, {"tenant": tenant_id, "body": campaign_id})
    await _settle(session, row, spent)
    await _noted(session, row, counts, spent)
    return True


CLOSE = text("UPDATE outbox_bodies SET is_open = false WHERE tenant_id = :tenant AND id = :body")


async def sweep(session: AsyncSession, tenant_id: UUID, campaign_id: UUID) -> bool:
    """Mark some more recipients of a cancelled campaign as skipped; answers whether there may be more."""
    swept = len((await session.execute(SWEEP, {"tenant": tenant_id, "body": campaign_id, "most": SWEPT_AT_ONCE})).all())
    if swept:
        return True
    counts, spent = (await counts_of(session, tenant_id, [campaign_id])).get(campaign_id, (Counts(), 0))
    if counts.open or await _in_doubt(session, tenant_id, campaign_id):
        return False
    row = await queries.row_of(session, tenant_id, campaign_id, lock=True)
    row.swept = True
    await _settle(session, row, spent)
    await _noted(session, row, counts, spent)
    return False


async def _in_doubt(session: AsyncSession, tenant_id: UUID, campaign_id: UUID) -> bool:
    """Whether a doubt is worth waiting for; those that are not are left to the contract."""
    campaign = {"tenant": tenant_id, "body": campaign_id}
    if await session.scalar(IN_DOUBT, {**campaign, "patience": PATIENCE}):
        return True
    await session.execute(LEAVE, campaign)
    return False


async def _settle(session: AsyncSession, row: CampaignRow, spent: int) -> None:
    if row.reserved_in is not None:
        values = {"tenant": row.tenant_id, "month": row.reserved_in, "cost": row.max_cost, "spent": spent}
        await session.execute(SETTLE, values)
        row.reserved_in = None


async def _noted(session: AsyncSession, row: CampaignRow, counts: Counts, spent: int) -> None:
    await session.flush()
    await note(
        session, row.tenant_id, actor="system:fanout", act="campaign.ended", subject=f"campaign:{row.id}",
        after={"state": row.state, "counts": counts, "spent": spent},
    )  # fmt: skip
