"""What gives pause before a campaign is approved, and while it stands still: hours of rest, labels nobody carries, people nobody knows."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.campaigns.audience import Audience, folded
from govchat.campaigns.models import AudienceListRow, CampaignRow
from govchat.campaigns.schemas import Segment
from govchat.kit.clock import VN
from govchat.notices.quiet import Quiet
from govchat.outbox.models import OutboxBodyRow

CARRIED = text(
    """
    SELECT w.kind, w.folded FROM unnest(CAST(:kinds AS text[]), CAST(:folded AS text[])) AS w(kind, folded)
    WHERE EXISTS (SELECT FROM citizen_labels l WHERE l.tenant_id = :tenant AND l.kind = w.kind AND l.folded = w.folded)
    """
)

# The one of each campaign that comes due first, where that is later than `at`, and what put it off.
PUT_OFF = text(
    """
    SELECT campaign.id, first.due_at,
      (SELECT a.kind FROM outbox_attempts a WHERE a.tenant_id = :tenant AND a.message_id = first.id ORDER BY a.number DESC LIMIT 1)
    FROM unnest(CAST(:campaigns AS uuid[])) AS campaign(id)
    CROSS JOIN LATERAL (
      SELECT m.id, m.due_at FROM outbox_messages m
      WHERE m.tenant_id = :tenant AND m.body_ref = campaign.id AND m.state = 'queued' ORDER BY m.due_at LIMIT 1) AS first
    WHERE first.due_at > :at
    """
)
# What is due sooner than after this long is no standing still.
PUT_OFF_FOR = timedelta(minutes=1)
WHY_PUT_OFF = {
    "one_a_day": "những người còn lại đã nhận một tin quảng bá hôm nay, mỗi người một tin mỗi ngày: gửi tiếp lúc",
    "template_spent": "hôm nay Zalo không cho gửi thêm theo mẫu tin này: gửi tiếp lúc",
}

KINDS = {"commune": "chưa có ai được ghi ở xã", "tag": "chưa có ai mang nhãn"}

NONE = Quiet(time(0), time(0))


def rests_until(kind: str, quiet: Quiet, at: datetime) -> datetime | None:
    """When a campaign of this class that would go at `at` goes indeed, if that is later: a promotion never goes at night."""
    until = at
    if kind != "emergency":
        for hours in (quiet, Quiet() if kind == "promotion" else quiet, quiet):
            if hours.holds(until):
                until = hours.released(until, 0.0)
    return until if until > at else None


def told_at(moment: datetime) -> str:
    """A moment as people in Vietnam read it."""
    return f"{moment.astimezone(VN):%H:%M ngày %d/%m/%Y}"


async def of_audience(session: AsyncSession, tenant_id: UUID, audience: Audience) -> list[str]:
    """What of an audience names nobody: one misspelt commune among many leaves its people out, and no count shows it."""
    segment = audience.segment or Segment()
    given = [("commune", name) for name in segment.communes or ()] + [("tag", name) for name in segment.tags or ()]
    found: list[str] = []
    if given:
        values = {"tenant": tenant_id, "kinds": [k for k, _ in given], "folded": [folded(name) for _, name in given]}
        carried = {tuple(row) for row in await session.execute(CARRIED, values)}
        found = [
            f'{KINDS[kind]} "{name}": `govchat campaign labels SLUG` hoặc GET /v1/campaigns/labels cho xem những nhãn đã có'
            for kind, name in given
            if (kind, folded(name)) not in carried
        ]
    if audience.user_ids and audience.list_id is not None:
        made = await session.get(AudienceListRow, (tenant_id, audience.list_id))
        if made is not None and made.known < audience.user_ids:
            unknown = audience.user_ids - made.known
            found.append(
                f"{unknown} trong {audience.user_ids} mã Zalo (user_ids) không phải người mà Official Account này biết"
            )
    return found


async def of_standing(
    session: AsyncSession, tenant_id: UUID, rows: Sequence[CampaignRow], at: datetime
) -> dict[UUID, str]:
    """Why those of these campaigns stand still that are running: hours of rest, or everybody left is put off until tomorrow."""
    running = {row.id: row for row in rows if row.state == "running"}
    if not running:
        return {}
    put_off = await session.execute(PUT_OFF, {"tenant": tenant_id, "campaigns": list(running), "at": at + PUT_OFF_FOR})
    found = {
        campaign_id: f"{WHY_PUT_OFF.get(why, 'chưa đến lượt ai trước lúc')} {told_at(due_at)}"
        for campaign_id, due_at, why in put_off
    }
    body: Any = OutboxBodyRow
    hours = await session.execute(
        select(body.id, body.quiet_from, body.quiet_to).where(body.tenant_id == tenant_id, body.id.in_(running))
    )
    for campaign_id, starts, ends in hours:
        quiet = NONE if starts is None or ends is None else Quiet(starts, ends)
        until = rests_until(running[campaign_id].class_, quiet, at)
        if until is not None and campaign_id not in found:
            found[campaign_id] = f"đang trong giờ nghỉ: gửi tiếp lúc {told_at(until)}"
    return found
