"""Reading campaigns: one, or a page of them, with counts that hold in the moment of reading."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.campaigns import doubt
from govchat.campaigns.models import CampaignRow
from govchat.campaigns.refusals import CampaignNotFound
from govchat.campaigns.schemas import CampaignOut, CampaignPage, MessageIn
from govchat.kit import clock, paging
from govchat.kit.crypto import TenantVault
from govchat.outbox.tally import Counts, counts_of

LIST = "campaigns"
REACHED_NOBODY = (
    "không có ai trong đối tượng nhận: `govchat campaign estimate` cho biết ai không được tính và vì sao; "
    "muốn gửi thì soạn chiến dịch khác"
)


def message_context(campaign_id: UUID) -> str:
    """Where a campaign's words stand, for sealing."""
    return f"campaigns.message/{campaign_id}"


def message_of(vault: TenantVault, row: CampaignRow) -> MessageIn:
    """The words of a campaign."""
    return msgspec.json.decode(vault.open(row.message_sealed, message_context(row.id)), type=MessageIn)


async def row_of(session: AsyncSession, tenant_id: UUID, campaign_id: UUID, *, lock: bool = False) -> CampaignRow:
    """The campaign's row, locked if asked for; raises `CampaignNotFound`."""
    row = await session.get(CampaignRow, (tenant_id, campaign_id), with_for_update=lock or None, populate_existing=True)
    if row is None:
        raise CampaignNotFound(
            f'không có chiến dịch "{campaign_id}" ở đơn vị này: xem bằng `govchat campaign list SLUG` hoặc GET /v1/campaigns'
        )
    return row


async def get(session: AsyncSession, vault: TenantVault, tenant_id: UUID, campaign_id: UUID) -> CampaignOut:
    """One campaign; raises `CampaignNotFound`."""
    return await show(session, vault, tenant_id, await row_of(session, tenant_id, campaign_id))


async def show(session: AsyncSession, vault: TenantVault, tenant_id: UUID, row: CampaignRow) -> CampaignOut:
    """A campaign's row as it is shown."""
    return (await _shown(session, vault, tenant_id, [row]))[0]


async def page(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, *, cursor: str | None, limit: int
) -> CampaignPage:
    """Campaigns, newest first; raises `CursorInvalid`."""
    chosen = select(CampaignRow).where(CampaignRow.tenant_id == tenant_id)
    if cursor is not None:
        key = paging.decode(LIST, cursor)
        try:
            chosen = chosen.where(CampaignRow.id < UUID(key))
        except ValueError:
            raise paging.CursorInvalid(f'cursor "{cursor[:80]}" was not given by this list') from None
    rows = list(await session.scalars(chosen.order_by(CampaignRow.id.desc()).limit(limit + 1)))
    more = paging.encode(LIST, str(rows[limit - 1].id)) if len(rows) > limit else None
    return CampaignPage(await _shown(session, vault, tenant_id, rows[:limit]), more)


async def _shown(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, rows: Sequence[CampaignRow]
) -> list[CampaignOut]:
    counted = await counts_of(session, tenant_id, [row.id for row in rows])
    standing = await doubt.of_standing(session, tenant_id, rows, clock.now())
    return [_out(vault, row, *counted.get(row.id, (Counts(), 0)), standing.get(row.id)) for row in rows]


def _out(vault: TenantVault, row: CampaignRow, counts: Counts, spent: int, stands: str | None) -> CampaignOut:
    if row.state == "cancelled" and counts.queued:
        # Nothing of it will be said any more, however long marking each takes.
        counts = msgspec.structs.replace(counts, queued=0, skipped=counts.skipped + counts.queued)
    told: Any = {
        "id": row.id, "name": row.name, "class_": row.class_, "state": row.state, "counts": counts,
        "message": message_of(vault, row), "audience": row.audience, "send_at": row.send_at, "max_cost": row.max_cost,
        "spent": spent, "test": row.test, "created_by": row.created_by, "created_at": row.created_at,
        "approved_by": row.approved_by, "approved_at": row.approved_at, "started_at": row.started_at,
        "finished_at": row.finished_at, "planning": row.state in ("running", "paused") and not row.expanded,
        "trouble": row.trouble or _hint(row, counts, stands), "way": row.way,
    }  # fmt: skip
    return CampaignOut(**told)


def _hint(row: CampaignRow, counts: Counts, stands: str | None) -> str | None:
    """Why it stands still, or why nobody was told at all."""
    if row.state == "done" and not counts.total:
        return REACHED_NOBODY
    return stands if counts.queued else None
