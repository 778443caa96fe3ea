"""Whether Zalo may broadcast a campaign's article now. A broadcast goes to every follower: as long as one of them may not be told, or
must not be told at this hour, each is told one by one instead, or it waits."""

from datetime import datetime, time
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.campaigns.models import CampaignRow
from govchat.kit import clock
from govchat.notices.policy import policy_of
from govchat.tenants.registry import Tenant

# Zalo takes broadcasts from 06:00 to 21:59 and looks at an article for about half an hour before it goes out (seen 2026).
FIRST, LAST = time(6, 0), time(21, 30)

PEOPLE = text(
    """
    SELECT count(*) FILTER (WHERE c.follows) AS followers,
           count(*) FILTER (WHERE c.follows IS NOT FALSE AND o.state = 'withdrawn') AS opted_out,
           count(*) FILTER (WHERE c.follows AND o.state = 'granted') AS agreed,
           count(*) FILTER (WHERE c.follows AND p.citizen_id IS NOT NULL) AS promoted
    FROM citizens c
    LEFT JOIN consents o ON o.tenant_id = c.tenant_id AND o.citizen_id = c.id AND o.purpose = 'broadcast'
    LEFT JOIN promotion_days p ON p.tenant_id = c.tenant_id AND p.citizen_id = c.id AND p.day = :today
    WHERE c.tenant_id = :tenant AND c.zalo_user_id NOT LIKE 'tel:%'
    """
)


class Ruling(msgspec.Struct, frozen=True):
    """`against`: why each has to be told one by one; `wait`: why it can't be now. Neither: Zalo may broadcast to `followers`, as far as
    they are known here."""

    followers: int
    against: str | None = None
    wait: str | None = None

    @property
    def allows(self) -> bool:
        """Whether Zalo may broadcast it at once."""
        return self.against is None and self.wait is None


async def rule(
    session: AsyncSession, tenant: Tenant, row: CampaignRow, at: datetime, *, followers_at_zalo: int | None = None
) -> Ruling:
    """How things stand at this moment. `followers_at_zalo`: Zalo's own count, where a promotion asks who agreed."""
    values = {"tenant": tenant.id, "today": at.astimezone(clock.VN).date()}
    people = (await session.execute(PEOPLE, values)).one()
    against = _against(tenant, row, people, followers_at_zalo)
    if against is None:
        hour = at.astimezone(clock.VN).time()
        night = not FIRST <= hour < LAST
        if night and row.class_ == "emergency":
            against = "Zalo không gửi đồng loạt vào ban đêm, mà tin khẩn cấp thì không chờ"
        elif night or (row.class_ != "emergency" and await _rests(session, tenant.id, at)):
            return Ruling(people.followers, wait="đang là ban đêm: sáng mai Zalo mới gửi đồng loạt bài viết")
    return Ruling(people.followers, against)


def _against(tenant: Tenant, row: CampaignRow, people: object, at_zalo: int | None) -> str | None:
    followers, opted_out = people.followers, people.opted_out  # type: ignore[attr-defined]
    agreed, promoted = people.agreed, people.promoted  # type: ignore[attr-defined]
    asks = row.class_ == "promotion"
    unasked = max(followers, at_zalo or 0) - agreed
    reasons = (
        (row.test, "chiến dịch do khóa thử nghiệm tạo: không gửi gì"),
        (tenant.state == "trial", "đơn vị đang chạy thử: chỉ người thử nhận được"),
        (opted_out > 0, f"{opted_out} người đã từ chối nhận tin, mà tin gửi đồng loạt của Zalo không bớt ai được"),
        (
            asks and unasked > 0,
            f"{unasked} người quan tâm chưa đồng ý nhận tin quảng bá, mà tin gửi đồng loạt của Zalo không bớt ai được",
        ),
        (asks and promoted > 0, f"{promoted} người quan tâm đã nhận một tin quảng bá hôm nay"),
    )
    return next((why for holds, why in reasons if holds), None)


async def _rests(session: AsyncSession, tenant_id: UUID, at: datetime) -> bool:
    return (await policy_of(session, tenant_id, at)).quiet.holds(at)
