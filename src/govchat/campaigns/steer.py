"""Approving, pausing, resuming, cancelling, starting early: each act in the audit trail, each harmless when it is done already."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.campaigns import queries
from govchat.campaigns.models import CampaignRow, CampaignSettingsRow
from govchat.campaigns.refusals import (
    CampaignEmergencyReserved,
    CampaignNeedsSecondPerson,
    CampaignOverBudget,
    CampaignStateConflict,
)
from govchat.kit import clock
from govchat.notices import budget
from govchat.notices.policy import policy_of
from govchat.outbox.models import OutboxBodyRow

# The role that releases emergencies: keys with this scope, once the province's settings name it.
EMERGENCY_SCOPE = "campaigns:emergency"
EMERGENCY_ROLE = f"scope:{EMERGENCY_SCOPE}"

UNDER_WAY = ("approved", "scheduled", "running")

SPEND = text("UPDATE notice_budgets SET reserved = reserved + :cost WHERE tenant_id = :tenant AND period = :month")


async def approve(
    session: AsyncSession, tenant_id: UUID, campaign_id: UUID, *, actor: str, scopes: Collection[str] = ()
) -> CampaignRow:
    """Release a draft: it starts now, or at its time. `scopes` are those of the actor's key.

    Raises `CampaignNeedsSecondPerson` for who drafted it, `CampaignEmergencyReserved`, `CampaignOverBudget`, `CampaignStateConflict`,
    `CampaignNotFound`.
    """
    row = await queries.row_of(session, tenant_id, campaign_id, lock=True)
    if actor == row.created_by:
        raise CampaignNeedsSecondPerson(
            f'chiến dịch "{campaign_id}" do {actor} soạn: phải do người khác duyệt, bằng khóa hoặc tên của người đó'
        )
    if row.state in (*UNDER_WAY, "paused", "done"):
        return row
    _only_from(row, ("draft",), "duyệt")
    if row.class_ == "emergency":
        await _may_release_emergencies(session, tenant_id, actor, scopes)
    now = clock.now()
    if row.max_cost and not row.test:
        await _set_aside(session, tenant_id, row)
    row.state = "scheduled" if row.send_at is not None and row.send_at > now else "approved"
    row.approved_by, row.approved_at = actor, now
    act = "campaign.emergency_approved" if row.class_ == "emergency" else "campaign.approved"
    await _noted(session, row, actor, act, "draft")
    return row


async def _may_release_emergencies(session: AsyncSession, tenant_id: UUID, actor: str, scopes: Collection[str]) -> None:
    settled = await session.get(CampaignSettingsRow, tenant_id)
    named = [] if settled is None else settled.emergency_by
    if named and actor not in named and not (EMERGENCY_ROLE in named and EMERGENCY_SCOPE in scopes):
        raise CampaignEmergencyReserved(
            f"{actor} không được duyệt tin khẩn cấp: đơn vị này chỉ giao cho {', '.join(named)} "
            "(`govchat campaign settings SLUG`)"
        )


async def _set_aside(session: AsyncSession, tenant_id: UUID, row: CampaignRow) -> None:
    """Reserve what may be spent in the month's budget, which notices spend from too."""
    now = clock.now()
    policy = await policy_of(session, tenant_id, now)
    purse = await budget.lock(session, tenant_id, policy.monthly_budget, now)
    if row.max_cost > purse.left:
        raise CampaignOverBudget(
            f"max_cost {row.max_cost} đồng mà ngân sách tháng {purse.month} chỉ còn {max(purse.left, 0)} đồng: soạn lại với mức "
            "thấp hơn, hoặc tăng ngân sách bằng `govchat notice settings SLUG --monthly-budget`"
        )
    await session.execute(SPEND, {"tenant": tenant_id, "month": purse.month, "cost": row.max_cost})
    row.reserved_in = purse.month


async def start(session: AsyncSession, tenant_id: UUID, campaign_id: UUID, *, actor: str) -> CampaignRow:
    """Begin a scheduled campaign now instead of at its time; raises `CampaignStateConflict`, `CampaignNotFound`."""
    row = await queries.row_of(session, tenant_id, campaign_id, lock=True)
    if row.state in ("approved", "running"):
        return row
    _only_from(row, ("scheduled",), "bắt đầu sớm")
    row.state, row.send_at = "approved", clock.now()
    await _noted(session, row, actor, "campaign.started_early", "scheduled")
    return row


async def pause(session: AsyncSession, tenant_id: UUID, campaign_id: UUID, *, actor: str) -> CampaignRow:
    """Stop planning and sending; what is on its way to Zalo arrives. Raises `CampaignStateConflict`, `CampaignNotFound`."""
    row = await queries.row_of(session, tenant_id, campaign_id, lock=True)
    if row.state == "paused":
        return row
    _only_from(row, UNDER_WAY, "tạm dừng")
    before, row.paused_from, row.state = row.state, row.state, "paused"
    await _let_go(session, row, is_open=False)
    await _noted(session, row, actor, "campaign.paused", before)
    return row


async def resume(session: AsyncSession, tenant_id: UUID, campaign_id: UUID, *, actor: str) -> CampaignRow:
    """Go on where it was paused; raises `CampaignStateConflict`, `CampaignNotFound`."""
    row = await queries.row_of(session, tenant_id, campaign_id, lock=True)
    if row.state in UNDER_WAY:
        return row
    _only_from(row, ("paused",), "gửi tiếp")
    row.state, row.paused_from, row.trouble = row.paused_from or "approved", None, None
    await _let_go(session, row, is_open=row.state == "running")
    await _noted(session, row, actor, "campaign.resumed", "paused")
    return row


async def cancel(session: AsyncSession, tenant_id: UUID, campaign_id: UUID, *, actor: str) -> CampaignRow:
    """End it for good; nobody who has not been told is told. Raises `CampaignStateConflict`, `CampaignNotFound`."""
    row = await queries.row_of(session, tenant_id, campaign_id, lock=True)
    if row.state == "cancelled":
        return row
    _only_from(row, ("draft", "paused", *UNDER_WAY), "hủy")
    before, row.state, row.finished_at = row.state, "cancelled", clock.now()
    await _let_go(session, row, is_open=False)
    await _noted(session, row, actor, "campaign.cancelled", before)
    return row


def _only_from(row: CampaignRow, states: tuple[str, ...], what: str) -> None:
    if row.state not in states:
        raise CampaignStateConflict(
            f'chiến dịch "{row.id}" đang ở trạng thái {row.state}: chỉ {what} được khi là {" hoặc ".join(states)}',
            state=row.state,
        )


async def _let_go(session: AsyncSession, row: CampaignRow, *, is_open: bool) -> None:
    """Open or close the body: claims of this very moment end, none begins."""
    await session.execute(
        update(OutboxBodyRow)
        .where(OutboxBodyRow.tenant_id == row.tenant_id, OutboxBodyRow.id == row.id)
        .values(is_open=is_open)
    )


async def _noted(session: AsyncSession, row: CampaignRow, actor: str, act: str, before: str) -> None:
    await session.flush()
    await note(
        session, row.tenant_id, actor=actor, act=act, subject=f"campaign:{row.id}", before={"state": before},
        after={"state": row.state, "class": row.class_, "name": row.name},
    )  # fmt: skip
