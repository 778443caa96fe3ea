"""Drafting a campaign: what is asked for is checked as far as it can be, sealed and kept; nothing is sent."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.campaigns import lists, message, queries
from govchat.campaigns.audience import Audience, codes_of
from govchat.campaigns.models import AudienceListRow, CampaignRow
from govchat.campaigns.refusals import CampaignAudienceInvalid, CampaignMessageInvalid
from govchat.campaigns.schemas import CampaignIn, CampaignOut
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.procedures.book import View

# A moment that has just passed means now; an older one is a slip of the pen, and would begin at once.
LATE = timedelta(minutes=5)


async def draft(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    data: CampaignIn,
    book: View,
    *,
    actor: str,
    test: bool = False,
    allow_insecure: bool = False,
) -> CampaignOut:
    """Keep a draft; raises `CampaignMessageInvalid`, `CampaignAudienceInvalid`. `test`: nothing of it will ever reach Zalo."""
    await message.check(session, tenant_id, data.message, data.class_, allow_insecure=allow_insecure)
    if data.message.article and data.audience.all_followers is None:
        raise CampaignAudienceInvalid(
            'audience: Zalo chỉ gửi đồng loạt bài viết cho mọi người quan tâm: cần {"all_followers": true}'
        )
    if data.send_at is not None and data.send_at < clock.now() - LATE:
        raise CampaignMessageInvalid(
            f"send_at {data.send_at.isoformat()} đã qua: bỏ đi để bắt đầu ngay khi được duyệt, hoặc ghi một thời điểm sắp tới"
        )
    campaign_id = new_id()
    audience = await _audience(session, vault, tenant_id, data, book, actor)
    row = CampaignRow(
        tenant_id=tenant_id,
        id=campaign_id,
        name=data.name,
        class_=data.class_,
        state="draft",
        message_sealed=vault.seal(msgspec.json.encode(data.message), queries.message_context(campaign_id)),
        audience=msgspec.to_builtins(audience),
        send_at=data.send_at,
        max_cost=data.max_cost,
        test=test,
        created_by=actor,
        created_at=clock.now(),
        expanded=False,
        swept=False,
    )
    session.add(row)
    await session.flush()
    await note(
        session, tenant_id, actor=actor, act="campaign.drafted", subject=f"campaign:{campaign_id}", after=facts(row)
    )
    return await queries.show(session, vault, tenant_id, row)


async def _audience(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, data: CampaignIn, book: View, actor: str
) -> Audience:
    given = data.audience
    if given.user_ids is not None:
        made = await lists.take_ids(session, vault, tenant_id, data.name, given.user_ids, actor=actor)
        return Audience(list_id=made.list_id, user_ids=len(given.user_ids))
    if given.segment is None:
        return Audience(all_followers=True)
    segment = given.segment
    if msgspec.to_builtins(segment) == {}:
        raise CampaignAudienceInvalid('segment {} không chọn ai: {"all_followers": true} là mọi người quan tâm')
    if segment.list_id is not None and await session.get(AudienceListRow, (tenant_id, segment.list_id)) is None:
        raise CampaignAudienceInvalid(
            f'segment.list_id "{segment.list_id}" chưa có: tải danh sách lên bằng POST /v1/campaigns/lists'
        )
    return Audience(segment=segment, codes=codes_of(book, segment))


def facts(row: CampaignRow) -> dict[str, Any]:
    """A campaign for the audit trail: no words, no people."""
    audience = {name: value for name, value in row.audience.items() if name != "codes"}
    return {
        "name": row.name,
        "class": row.class_,
        "state": row.state,
        "audience": audience,
        "send_at": row.send_at.isoformat() if row.send_at else None,
        "max_cost": row.max_cost,
        "test": row.test,
    }
