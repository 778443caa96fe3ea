"""What a province has decided about notices, read in one query: state, quiet hours, words, templates, money."""

from datetime import datetime, time
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit.clock import VN
from govchat.notices.fit import ANY, Use
from govchat.notices.kinds import Kind
from govchat.notices.quiet import Quiet
from govchat.notices.wording import Wording, read, shipped
from govchat.tenants.phrases import sound

POLICY = text(
    """
    SELECT t.state, t.manifest->'quiet_hours' AS quiet,
           coalesce(s.monthly_budget, 0) AS monthly_budget, coalesce(s.paid_window, false) AS paid_window,
           coalesce(s.cs_price, 55) AS cs_price, outbox_day_room(:tenant, '', true, CAST(:today AS date)) AS daily_left, s.unpaid_until,
           (SELECT jsonb_object_agg(w.kind, jsonb_build_array(w.version, w.text))
            FROM (SELECT DISTINCT ON (kind) kind, version, text FROM notice_wordings
                  WHERE tenant_id = :tenant ORDER BY kind, version DESC) w) AS wordings,
           (SELECT jsonb_object_agg(p.key, p.text)
            FROM (SELECT DISTINCT ON (key) key, text FROM tenant_wordings
                  WHERE tenant_id = :tenant AND split_part(key, '.', 1) IN ('dossiers', 'notices')
                  ORDER BY key, version DESC) p) AS phrases,
           (SELECT jsonb_object_agg(u.kind, jsonb_build_object(
                     'template_id', z.template_id, 'status', z.status, 'params', z.params, 'price_uid', z.price_uid,
                     'price_phone', z.price_phone, 'at_night', z.at_night, 'fields', u.fields,
                     'quota', coalesce(z.quota, CASE WHEN r.room = 0 THEN 0 END),
                     'sent_today', coalesce(z.quota, 0) - coalesce(r.room, 0)))
            FROM template_uses u
            JOIN zbs_templates z ON z.tenant_id = u.tenant_id AND z.template_id = u.template_id
            CROSS JOIN LATERAL (SELECT outbox_day_room(:tenant, z.template_id, false, CAST(:today AS date)) AS room) r
            WHERE u.tenant_id = :tenant) AS uses
    FROM tenants t LEFT JOIN notice_settings s ON s.tenant_id = t.id
    WHERE t.id = :tenant
    """
)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every notice of one province now. Amounts are đồng; `own` are the kinds whose words differ from the product's,
    `phrases` the short words that do; `daily_left` is what Zalo still takes for telephone numbers today, None: any number."""

    state: str
    quiet: Quiet
    monthly_budget: int
    paid_window: bool
    cs_price: int
    daily_left: int | None
    paying: bool
    own: dict[str, tuple[int, str | None]]
    phrases: dict[str, str]
    uses: dict[str, Use]

    def words(self, kind: Kind) -> tuple[int, Wording]:
        """The version and the words for a kind; version 0 is the product's."""
        version, own = self.own.get(kind, (0, None))
        return version, shipped()[kind] if own is None else read(kind, own)

    def templates(self, kind: Kind) -> list[Use]:
        """The templates that may say a kind: its own, then the one for every kind."""
        return [use for name in (kind, ANY) if (use := self.uses.get(name)) is not None]


async def policy_of(session: AsyncSession, tenant_id: UUID, now: datetime) -> Policy:
    """The province's policy."""
    values = {"tenant": tenant_id, "today": now.astimezone(VN).date()}
    return policy_from((await session.execute(POLICY, values)).one(), now)


def policy_from(row: Any, now: datetime) -> Policy:
    """The policy in a row that has been read, by the names of `POLICY`."""
    return Policy(
        state=row.state,
        quiet=_quiet(row.quiet or {}),
        monthly_budget=row.monthly_budget,
        paid_window=row.paid_window,
        cs_price=row.cs_price,
        daily_left=row.daily_left,
        paying=row.unpaid_until is None or row.unpaid_until <= now,
        own={kind: (version, words) for kind, (version, words) in (row.wordings or {}).items()},
        phrases=sound(row.phrases or {}),
        uses={kind: msgspec.convert(use, Use) for kind, use in (row.uses or {}).items()},
    )


def today_of(now: datetime) -> datetime:
    """When the day began in Vietnam."""
    return now.astimezone(VN).replace(hour=0, minute=0, second=0, microsecond=0)


def _quiet(told: dict[str, Any]) -> Quiet:
    default = Quiet()
    starts, ends = told.get("from"), told.get("to")
    return Quiet(
        time.fromisoformat(starts) if starts else default.starts, time.fromisoformat(ends) if ends else default.ends
    )
