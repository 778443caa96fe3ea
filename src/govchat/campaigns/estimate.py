"""What sending a campaign would mean now: recipients, who is left out and why, ways, money, time. One aggregate over the audience."""

import math
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.campaigns import doubt, lawful, queries
from govchat.campaigns.audience import Audience, condition
from govchat.campaigns.models import CampaignRow
from govchat.campaigns.schemas import Estimate, Excluded, MessageIn, Ways
from govchat.campaigns.template_fit import template_trouble
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.windows import reserve_for
from govchat.notices.models import ZbsTemplateRow
from govchat.notices.policy import Policy, policy_of
from govchat.tenants.registry import Tenant

COUNT = """
    WITH people AS (
      SELECT c.zalo_user_id LIKE 'tel:%' AS phone_only, c.follows IS TRUE AS follows, o.state AS consent,
             CAST(:at AS timestamptz) - c.last_interaction_at AS since,
             EXISTS (SELECT FROM tenant_testers t WHERE t.tenant_id = c.tenant_id AND t.zalo_user_id = c.zalo_user_id) AS tester
      FROM citizens c
      LEFT JOIN consents o ON o.tenant_id = c.tenant_id AND o.citizen_id = c.id AND o.purpose = 'broadcast'
      WHERE c.tenant_id = :tenant AND {audience}
    ), judged AS (
      SELECT *, CASE WHEN phone_only THEN 'phone_only' WHEN NOT follows THEN 'not_following'
                     WHEN consent = 'withdrawn' THEN 'opted_out'
                     WHEN CAST(:promotion AS boolean) AND consent IS DISTINCT FROM 'granted' THEN 'no_consent'
                     WHEN CAST(:trial AS boolean) AND NOT tester THEN 'no_tester' END AS why
      FROM people
    )
    SELECT count(*) FILTER (WHERE why IS NULL) AS recipients,
           count(*) FILTER (WHERE why = 'phone_only') AS phone_only, count(*) FILTER (WHERE why = 'not_following') AS not_following,
           count(*) FILTER (WHERE why = 'opted_out') AS opted_out, count(*) FILTER (WHERE why = 'no_consent') AS no_consent,
           count(*) FILTER (WHERE why IS NULL AND since <= interval '48 hours') AS within_48,
           count(*) FILTER (WHERE why IS NULL AND since > interval '48 hours' AND since <= interval '7 days') AS within_7
    FROM judged
"""


class Prices(msgspec.Struct, frozen=True):
    """What each way costs, in đồng; None: it is closed. `uid_a_day` is how many Zalo allows of the template a day, None: it named none."""

    cs: int | None
    uid: int | None
    uid_a_day: int | None = None


async def prices_of(
    session: AsyncSession, tenant_id: UUID, policy: Policy, message: MessageIn, row: CampaignRow
) -> tuple[Prices, str | None]:
    """The ways that cost something as they stand now, and what is wrong with the template, if anything."""
    pays = policy.paying and row.max_cost > 0
    price_cs = policy.cs_price if policy.paid_window and pays else None
    if message.template is None:
        return Prices(price_cs, None), None
    template = await session.get(ZbsTemplateRow, (tenant_id, message.template.template_id), populate_existing=True)
    wrong = template_trouble(template, message.template, row.class_)  # type: ignore[arg-type]
    if wrong is not None or template is None:
        return Prices(price_cs, None), wrong
    free = template.price_uid == 0
    return Prices(price_cs, template.price_uid if pays or free else None, template.quota), None


async def estimate(session: AsyncSession, vault: TenantVault, tenant: Tenant, campaign_id: UUID) -> Estimate:
    """What it would mean to send now; raises `CampaignNotFound`."""
    row = await queries.row_of(session, tenant.id, campaign_id)
    now = clock.now()
    audience = msgspec.convert(row.audience, Audience)
    where = condition(audience, now)
    trial = tenant.state == "trial"
    values = {"tenant": tenant.id, "at": now, "promotion": row.class_ == "promotion", "trial": trial, **where.values}
    told = (await session.execute(text(COUNT.format(audience=where.sql)), values)).one()
    policy = await policy_of(session, tenant.id, now)
    message = queries.message_of(vault, row)
    prices, wrong = await prices_of(session, tenant.id, policy, message, row)
    paid = told.within_7 if prices.cs is not None else 0
    rest = told.recipients - told.within_48 - paid
    by_uid = rest if prices.uid is not None else 0
    ways = Ways(cs=told.within_48, cs_paid=paid, uid=by_uid, broadcast=0, none=rest - by_uid)
    cost = paid * (prices.cs or 0) + by_uid * (prices.uid or 0)
    rate = rate_of(tenant)
    reached = ways.cs + ways.cs_paid + ways.uid
    ruling = await lawful.rule(session, tenant, row, now) if message.article and row.way != "personal" else None
    if ruling is not None and ruling.against is None:
        ways, cost, reached = Ways(cs=0, cs_paid=0, uid=0, broadcast=told.recipients, none=0), 0, 1
    return Estimate(
        recipients=told.recipients,
        excluded=Excluded(
            not_following=told.not_following,
            opted_out=told.opted_out,
            no_consent=told.no_consent,
            phone_only=told.phone_only,
        ),
        channels=ways,
        cost=cost,
        max_cost=row.max_cost,
        rate_per_minute=rate,
        seconds=math.ceil(reached * 60 / rate),
        testers_only=trial,
        warnings=[
            *await doubt.of_audience(session, tenant.id, audience),
            *_rest(row, policy, ways, now),
            *_warnings(tenant, row, ways, cost, wrong, prices.uid_a_day, ruling),
        ],
    )


def _rest(row: CampaignRow, policy: Policy, ways: Ways, now: datetime) -> list[str]:
    """What is said of a beginning in the hours of rest; an article says so itself."""
    begins = max(now, row.send_at or now)
    until = doubt.rests_until(row.class_, policy.quiet, begins) if not ways.broadcast else None
    return [f"sẽ bắt đầu trong giờ nghỉ: không ai nhận được trước {doubt.told_at(until)}"] if until else []


def rate_of(tenant: Tenant) -> int:
    """Messages a minute that campaigns may use: the account's limit or its app's, without what is kept for replies."""
    limits = (tenant.manifest.zalo.requests_per_minute, tenant.app.requests_per_minute)
    return min(limit - reserve_for(limit) for limit in limits)


def _warnings(
    tenant: Tenant,
    row: CampaignRow,
    ways: Ways,
    cost: int,
    wrong: str | None,
    a_day: int | None,
    ruling: lawful.Ruling | None,
) -> list[str]:
    found = []
    if ruling is not None and not ruling.allows:
        found.append(
            f"Zalo không gửi đồng loạt bài viết này được: {ruling.against}; từng người sẽ được nhắn riêng"
            if ruling.against
            else f"{ruling.wait}"
        )
    if a_day is not None and ways.uid > a_day:
        found.append(
            f"mẫu tin gửi được {a_day} tin mỗi ngày: {ways.uid} tin cần {math.ceil(ways.uid / max(a_day, 1))} ngày"
        )
    if wrong is not None:
        found.append(f"mẫu tin {wrong}")
    if ways.none:
        closed = " (max_cost là 0: chỉ gửi tin miễn phí)" if row.max_cost == 0 else ""
        found.append(f"{ways.none} người lúc này không gửi được: lần tương tác gần nhất đã quá lâu{closed}")
    if cost > row.max_cost:
        found.append(f"cần {cost} đồng mà max_cost là {row.max_cost}: những người cuối sẽ bị bỏ qua")
    if not any(msgspec.structs.astuple(ways)):
        found.append("không có ai trong đối tượng nhận: duyệt bây giờ thì chiến dịch kết thúc mà không gửi cho ai")
    if not tenant.speaks:
        found.append(f"đơn vị đang ở trạng thái {tenant.state}: chưa gửi gì cho tới khi là live")
    return found
