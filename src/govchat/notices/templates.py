"""ZBS templates as Zalo has them: synchronised, mapped to kinds of notice, and changed at once by Zalo's events."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.notices.facts import samples
from govchat.notices.fit import ANY, TemplateMisfit, fields_for, filled
from govchat.notices.fit import Use as Mapped
from govchat.notices.kinds import FIELDS, MUST, Kind
from govchat.notices.models import NoticeSettingsRow, TemplateUseRow, ZbsTemplateRow
from govchat.notices.reword import Source
from govchat.tenants.credentials import Credentials
from govchat.tenants.registry import Registry, Tenant
from govchat.zalo.account_events import OaAllowanceChanged, TemplateChanged
from govchat.zalo.client import ZaloClient
from govchat.zalo.errors import AccessTokenInvalid
from govchat.zalo.header import Event
from govchat.zalo.parse import as_int
from govchat.zalo.templates import TemplateInfo, TemplateQuota

GONE = "DELETE"


class TemplateUnknown(DomainError):
    """No template of that id is known for this province."""

    status = 404
    code = "template_unknown"
    title = "No such template"


class Synced(msgspec.Struct, frozen=True):
    """What a synchronisation found."""

    known: int
    new: int
    gone: int
    daily_quota: int | None


class TemplateShown(msgspec.Struct, frozen=True, kw_only=True):
    """A template and the kinds of notice that use it; prices in đồng."""

    template_id: str
    name: str
    status: str
    quality: str
    tag: str
    params: list[str]
    price_uid: int | None
    price_phone: int | None
    quota: int | None
    kinds: list[str]
    synced_at: datetime


async def sync(registry: Registry, credentials: Credentials, zalo: ZaloClient, tenant: Tenant) -> Synced:
    """Read every template and today's allowance from Zalo, then write them down. Raises `ZaloError`, `CredentialRevoked`."""
    access = await credentials.access(tenant)
    try:
        infos, quota = await _read(zalo, access.token)
    except AccessTokenInvalid:
        access = await credentials.access(tenant, not_generation=access.generation)
        infos, quota = await _read(zalo, access.token)
    async with registry.db.tenant(tenant.id) as session:
        return await take_in(session, tenant.id, infos, quota)


async def _read(zalo: ZaloClient, token: str) -> tuple[list[TemplateInfo], TemplateQuota]:
    ids = await zalo.template_ids(token)
    return [await zalo.template_info(token, each) for each in ids], await zalo.template_quota(token)


async def take_in(session: AsyncSession, tenant_id: UUID, infos: list[TemplateInfo], quota: TemplateQuota) -> Synced:
    """Write down what Zalo described; templates it no longer has become `DELETE` and are used no more."""
    now = clock.now()
    before = set(await session.scalars(select(ZbsTemplateRow.template_id).where(ZbsTemplateRow.tenant_id == tenant_id)))
    for info in infos:
        values = {
            "name": info.name,
            "status": info.status,
            "quality": info.quality,
            "tag": info.tag,
            "params": [
                {
                    "name": p.name,
                    "type": p.type,
                    "max_length": p.max_length,
                    "min_length": p.min_length,
                    "required": p.required,
                }
                for p in info.params
            ],
            "price_uid": info.price_uid,
            "price_phone": info.price_phone,
            # Whatever event comes next is newer than this description, whoever's clock is behind.
            "changed_at": None,
            "synced_at": now,
        }
        made = insert(ZbsTemplateRow).values(tenant_id=tenant_id, template_id=info.template_id, **values)
        await session.execute(
            made.on_conflict_do_update(index_elements=["tenant_id", "template_id"], set_={**values, "reason": None})
        )
    ids = {info.template_id for info in infos}
    gone = before - ids
    await session.execute(
        update(ZbsTemplateRow)
        .where(ZbsTemplateRow.tenant_id == tenant_id, ZbsTemplateRow.template_id.in_(gone))
        .values(status=GONE, changed_at=now)
    )
    if quota.daily is not None:
        await _daily_quota(session, tenant_id, quota.daily)
    return Synced(len(ids), len(ids - before), len(gone), quota.daily)


async def map_template(
    session: AsyncSession,
    tenant_id: UUID,
    kind: Kind | None,
    template_id: str,
    fields: Mapping[str, str],
    *,
    actor: str,
) -> dict[str, str]:
    """Let a template say a kind of notice (None: every kind that has none of its own); answers parameter → fact.

    `fields` names facts for parameters whose name doesn't tell. Raises `TemplateUnknown`, `TemplateMisfit`.
    """
    chosen = await fitting(session, tenant_id, kind, template_id, fields)
    await use_template(session, tenant_id, kind, template_id, chosen, actor=actor, source="admin")
    subject = f"notice:{kind.value if kind else ANY}"
    after = {"template_id": template_id, "fields": chosen}
    await note(session, tenant_id, actor=actor, act="template.mapped", subject=subject, after=after)
    return chosen


def unsaid(kind: Kind | None, chosen: Mapping[str, str]) -> list[str]:
    """What the decree asks for in this kind of notice and the template does not say, in Vietnamese; `chosen` is parameter → fact."""
    asked = MUST[kind] if kind else frozenset.intersection(*MUST.values())
    return [field.what for name, field in FIELDS.items() if name in asked and name not in chosen.values()]


async def fitting(
    session: AsyncSession, tenant_id: UUID, kind: Kind | None, template_id: str, fields: Mapping[str, str]
) -> dict[str, str]:
    """Parameter → fact for this template and kind; raises `TemplateUnknown`, `TemplateMisfit`."""
    row = await session.get(ZbsTemplateRow, (tenant_id, template_id))
    if row is None:
        raise TemplateUnknown(
            f'chưa biết mẫu "{template_id}": đọc danh sách mẫu từ Zalo bằng `govchat template sync SLUG`'
        )
    if row.tag == "PROMOTION":
        raise TemplateMisfit(
            f"mẫu {template_id} là mẫu quảng cáo (PROMOTION): thông báo cần mẫu giao dịch hoặc chăm sóc khách hàng"
        )
    chosen = fields_for(row.params, fields)
    use = Mapped(
        template_id=row.template_id, status=row.status, params=row.params, price_uid=row.price_uid,
        price_phone=row.price_phone, at_night=row.at_night, quota=row.quota, fields=chosen,
    )  # fmt: skip
    tried = filled(use, samples())
    if isinstance(tried, str):
        raise TemplateMisfit(f"mẫu {template_id}, thử với dữ liệu mẫu: {tried}")
    must_name = {"code"} & MUST[kind] if kind else {"code"}
    if not must_name <= set(chosen.values()):
        raise TemplateMisfit(
            f"mẫu {template_id} không có mã hồ sơ, người dân không biết là hồ sơ nào: gán tham số nào đó =code, hoặc chọn mẫu khác"
        )
    return chosen


async def use_template(
    session: AsyncSession,
    tenant_id: UUID,
    kind: Kind | None,
    template_id: str,
    chosen: Mapping[str, str],
    *,
    actor: str,
    source: Source,
) -> None:
    """Write down that this template says this kind of notice; `chosen` comes from `fitting`."""
    values = {
        "template_id": template_id,
        "fields": dict(chosen),
        "mapped_by": actor,
        "mapped_at": clock.now(),
        "source": source,
    }
    made = insert(TemplateUseRow).values(tenant_id=tenant_id, kind=kind.value if kind else ANY, **values)
    await session.execute(made.on_conflict_do_update(index_elements=["tenant_id", "kind"], set_=values))


async def templates_of(session: AsyncSession, tenant_id: UUID) -> list[TemplateShown]:
    """Every template that is known, with its uses."""
    kinds: dict[str, list[str]] = {}
    for use in await session.scalars(select(TemplateUseRow).where(TemplateUseRow.tenant_id == tenant_id)):
        kinds.setdefault(use.template_id, []).append(use.kind)
    rows = await session.scalars(
        select(ZbsTemplateRow).where(ZbsTemplateRow.tenant_id == tenant_id).order_by(ZbsTemplateRow.template_id)
    )
    return [
        TemplateShown(
            template_id=row.template_id, name=row.name, status=row.status, quality=row.quality, tag=row.tag,
            params=[f"{param['name']}:{param.get('type', '')}" for param in row.params], price_uid=row.price_uid,
            price_phone=row.price_phone, quota=row.quota, kinds=sorted(kinds.get(row.template_id, [])), synced_at=row.synced_at,
        )
        for row in rows
    ]  # fmt: skip


async def note_event(session: AsyncSession, tenant_id: UUID, event: Event) -> bool:
    """A template's status, quality or quota, or the account's daily quota, changed: in force from the next decision on.

    False for other events, for a template that was never synchronised, and for an event older than what is known.
    """
    if isinstance(event, OaAllowanceChanged):
        daily = as_int(event.quota.after) if event.quota else None
        if daily is None:
            return False
        await _daily_quota(session, tenant_id, daily)
        return True
    if not isinstance(event, TemplateChanged) or event.template_id is None:
        return False
    changed: dict[str, object] = {}
    if event.status and event.status.after:
        changed["status"] = event.status.after
    if event.quality and event.quality.after:
        changed["quality"] = event.quality.after
    if event.quota and (quota := as_int(event.quota.after)) is not None:
        changed["quota"] = quota
    if not changed:
        return False
    at = event.occurred_at or clock.now()
    # Only statuses have an order that matters; a quality told late doesn't undo a status.
    newer = (
        or_(ZbsTemplateRow.changed_at.is_(None), ZbsTemplateRow.changed_at <= at)
        if "status" in changed
        else text("true")
    )
    done = await session.execute(
        update(ZbsTemplateRow)
        .where(ZbsTemplateRow.tenant_id == tenant_id, ZbsTemplateRow.template_id == event.template_id, newer)
        .values(
            reason=event.reason, changed_at=func.greatest(func.coalesce(ZbsTemplateRow.changed_at, at), at), **changed
        )
        .returning(ZbsTemplateRow.template_id)
    )
    return done.first() is not None


async def _daily_quota(session: AsyncSession, tenant_id: UUID, daily: int) -> None:
    made = insert(NoticeSettingsRow).values(tenant_id=tenant_id, daily_quota=daily)
    await session.execute(
        made.on_conflict_do_update(index_elements=["tenant_id"], set_={"daily_quota": daily, "updated_at": func.now()})
    )
