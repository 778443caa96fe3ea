"""Beginning an approved campaign: its body is made, sealed and opened for claims; and keeping that body true while it is sent."""

from datetime import timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.campaigns import queries
from govchat.campaigns.estimate import prices_of
from govchat.campaigns.message import ROOM, body_of, fields_of
from govchat.campaigns.models import CampaignPictureRow, CampaignRow
from govchat.campaigns.schemas import MessageIn
from govchat.campaigns.template_fit import longest_of
from govchat.db.session import Database
from govchat.kit import clock
from govchat.kit.crypto import SealBroken, TenantVault
from govchat.kit.phrases import overlaid
from govchat.notices.policy import policy_of
from govchat.outbox import shared
from govchat.outbox.models import OutboxBodyRow
from govchat.tenants.phrases import own_phrases
from govchat.tenants.registry import Tenant

RANKS = {"emergency": 0, "announcement": 1, "promotion": 2}

OPEN = text(
    """
    INSERT INTO outbox_bodies
      (tenant_id, id, is_open, rank, body_sealed, by_cs, price_cs, price_uid, is_promotion, quiet_from, quiet_to, fields, list_id,
       ceiling, template_id, refreshed_at)
    VALUES (:tenant_id, :id, true, :rank, :body_sealed, true, :price_cs, :price_uid, :is_promotion, :quiet_from, :quiet_to,
            :fields, :list_id, :ceiling, :template_id, :refreshed_at)
    ON CONFLICT (tenant_id, id) DO UPDATE SET is_open = true, body_sealed = excluded.body_sealed, refreshed_at = excluded.refreshed_at
    """
)


async def picture_of(db: Database, vault: TenantVault, tenant: Tenant, campaign_id: UUID) -> UUID | None:
    """The picture that the campaign carries, if it is one that Zalo has to be handed."""
    async with db.tenant(tenant.id) as session:
        row = await queries.row_of(session, tenant.id, campaign_id)
        return None if row.test else queries.message_of(vault, row).picture_id


async def begin(
    session: AsyncSession,
    vault: TenantVault,
    tenant: Tenant,
    campaign_id: UUID,
    *,
    attachment_id: str | None,
    allow_insecure: bool = False,
) -> bool:
    """Open an approved campaign that is due; False when it has to wait, with `trouble` saying what for."""
    row = await queries.row_of(session, tenant.id, campaign_id, lock=True)
    if row.state not in ("approved", "scheduled") or (row.send_at is not None and row.send_at > clock.now()):
        return False
    message = queries.message_of(vault, row)
    trouble = await _trouble(session, tenant, row, message, attachment_id)
    if trouble is not None:
        row.trouble = trouble
        return False
    await open_body(session, vault, tenant, row, message, attachment_id=attachment_id, allow_insecure=allow_insecure)
    row.state, row.started_at, row.trouble, row.way = "running", clock.now(), None, "personal"
    await session.flush()
    return True


async def open_body(
    session: AsyncSession,
    vault: TenantVault,
    tenant: Tenant,
    row: CampaignRow,
    message: MessageIn,
    *,
    attachment_id: str | None = None,
    allow_insecure: bool = False,
) -> None:
    """Make what all recipients share, open for claims."""
    body, held = await _values(session, tenant, row, message, attachment_id, allow_insecure)
    held |= {
        "tenant_id": tenant.id,
        "id": row.id,
        "body_sealed": shared.seal(vault, row.id, body),
        "rank": RANKS[row.class_],
        "is_promotion": row.class_ == "promotion",
        "fields": fields_of(message),
        "list_id": _list_of(row),
        "ceiling": row.max_cost,
        "template_id": message.template.template_id if message.template else None,
        "refreshed_at": clock.now(),
    }
    await session.execute(OPEN, held)


async def refresh(
    session: AsyncSession,
    vault: TenantVault,
    tenant: Tenant,
    campaign_id: UUID,
    *,
    after: timedelta,
    attachment_id: str | None = None,
    allow_insecure: bool = False,
) -> UUID | None:
    """Hours of rest, prices and words of a running campaign as they are now, if nobody has looked at them for so long.

    Answers the picture that the body needs to be handed anew, with which this is called again: without `attachment_id` the upload that is
    there stays, which lasts a day at least.
    """
    kept = await session.scalar(
        select(OutboxBodyRow)
        .where(
            OutboxBodyRow.tenant_id == tenant.id,
            OutboxBodyRow.id == campaign_id,
            OutboxBodyRow.refreshed_at < clock.now() - after,
        )
        .with_for_update(key_share=True)
    )
    if kept is None:
        return None
    row = await queries.row_of(session, tenant.id, campaign_id)
    message = queries.message_of(vault, row)
    body, held = await _values(session, tenant, row, message, attachment_id, allow_insecure)
    wanted = None if row.test or attachment_id is not None else message.picture_id
    # Processes know a body by how it is sealed, and open it once: it is sealed anew when it says something else.
    if (message.picture_id is None or attachment_id is not None) and body != _sealed_body(vault, kept):
        held["body_sealed"] = shared.seal(vault, row.id, body)
    for name, value in held.items():
        setattr(kept, name, value)
    kept.refreshed_at = clock.now()
    return wanted


def _sealed_body(vault: TenantVault, kept: OutboxBodyRow) -> shared.Body | None:
    try:
        return shared.unseal(vault, kept.id, kept.body_sealed)
    except (SealBroken, msgspec.MsgspecError):
        return None


async def _trouble(
    session: AsyncSession, tenant: Tenant, row: CampaignRow, message: MessageIn, attachment_id: str | None
) -> str | None:
    if not tenant.speaks:
        return f"đơn vị đang ở trạng thái {tenant.state}: chiến dịch bắt đầu khi đơn vị là live"
    if message.picture_id is not None and attachment_id is None and not row.test:
        picture = await session.get(CampaignPictureRow, (tenant.id, message.picture_id))
        told = picture.trouble if picture is not None else None
        return told or "ảnh đang được đưa lên Zalo"
    return None


async def _values(
    session: AsyncSession,
    tenant: Tenant,
    row: CampaignRow,
    message: MessageIn,
    attachment_id: str | None,
    allow_insecure: bool,
) -> tuple[shared.Body, dict[str, object]]:
    """What may change while it is sent: the body, and what of its row."""
    kind = row.class_
    with overlaid(await own_phrases(session, tenant.id, ROOM, shared.ROOM)):
        body = body_of(message, kind, attachment_id=attachment_id, allow_insecure=allow_insecure)  # type: ignore[arg-type]
    body = msgspec.structs.replace(body, longest=await longest_of(session, tenant.id, message))
    policy = await policy_of(session, tenant.id, clock.now())
    prices, _ = await prices_of(session, tenant.id, policy, message, row)
    # An emergency passes the hours of rest; a promotion keeps Zalo's night besides, whatever a province settles.
    rests = kind != "emergency"
    return body, {
        "price_cs": prices.cs,
        "price_uid": prices.uid,
        "quiet_from": policy.quiet.starts if rests else None,
        "quiet_to": policy.quiet.ends if rests else None,
    }


def _list_of(row: CampaignRow) -> UUID | None:
    given = row.audience.get("list_id") or (row.audience.get("segment") or {}).get("list_id")
    return UUID(given) if given else None
