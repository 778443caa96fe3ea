"""Pictures of campaigns: drawn anew, kept sealed, handed to Zalo once per Official Account and again before Zalo forgets them."""

import asyncio
import io
from datetime import timedelta
from uuid import UUID

import structlog
from PIL import Image
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.campaigns.models import CampaignPictureRow
from govchat.campaigns.refusals import CampaignMessageInvalid
from govchat.campaigns.schemas import PictureOut
from govchat.db.session import Database
from govchat.files.check import FORMATS, Checked, check
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.tenants.credentials import CredentialBusy, CredentialRevoked, Credentials
from govchat.tenants.registry import Tenant
from govchat.zalo.client import IMAGE_LIMIT, ZaloClient
from govchat.zalo.errors import AccessTokenInvalid, ZaloError

log = structlog.get_logger()

# Zalo forgets an upload after seven days; a campaign that is being sent then must not meet that moment.
RENEW_BEFORE = timedelta(days=1)
SMALLER = ((2000, 85), (1600, 80), (1200, 75), (900, 70))


async def keep(session: AsyncSession, vault: TenantVault, tenant_id: UUID, content: bytes, *, actor: str) -> PictureOut:
    """Keep a picture for messages; raises `FileRefused`, `FileTooLarge`, `CampaignMessageInvalid`."""
    checked = await asyncio.to_thread(_fitted, content)
    picture_id = new_id()
    session.add(
        CampaignPictureRow(
            tenant_id=tenant_id, id=picture_id, media_type=checked.media_type,
            content_sealed=vault.seal(checked.content, _context(picture_id)), made_by=actor, made_at=clock.now(),
        )
    )  # fmt: skip
    await session.flush()
    await note(session, tenant_id, actor=actor, act="campaign.picture_kept", subject=f"picture:{picture_id}")
    return PictureOut(picture_id=picture_id, ready=False, trouble=None)


def _fitted(content: bytes) -> Checked:
    """The picture as Zalo takes it: JPEG or PNG of at most 1 MiB, made smaller where that is needed."""
    checked = check(content)
    if checked.media_type not in FORMATS.values():
        raise CampaignMessageInvalid("tệp không phải là ảnh: hãy gửi ảnh JPEG, PNG hoặc WebP")
    if checked.media_type in ("image/jpeg", "image/png") and len(checked.content) <= IMAGE_LIMIT:
        return checked
    drawn = Image.open(io.BytesIO(checked.content)).convert("RGB")
    for side, quality in SMALLER:
        drawn.thumbnail((side, side))
        held = io.BytesIO()
        drawn.save(held, "JPEG", quality=quality)
        if len(held.getvalue()) <= IMAGE_LIMIT:
            return Checked(media_type="image/jpeg", content=held.getvalue(), width=drawn.width, height=drawn.height)
    raise CampaignMessageInvalid("ảnh vẫn hơn 1 MiB dù đã thu nhỏ: hãy gửi ảnh đơn giản hơn")


def _context(picture_id: UUID) -> str:
    return f"campaign_pictures.content/{picture_id}"


async def hand_over(
    db: Database, credentials: Credentials, zalo: ZaloClient, tenant: Tenant, vault: TenantVault, picture_id: UUID
) -> str | None:
    """The attachment id of a picture at this account, uploaded where there is none that lasts; None when Zalo did not take it."""
    async with db.tenant(tenant.id) as session:
        row = await session.get(CampaignPictureRow, (tenant.id, picture_id))
    if row is None:
        return None
    lasts = row.expires_at is not None and row.expires_at - RENEW_BEFORE > clock.now()
    if row.attachment_id is not None and row.oa_id == tenant.oa_id and lasts:
        return row.attachment_id
    content = vault.open(row.content_sealed, _context(picture_id))
    name = f"picture.{row.media_type.removeprefix('image/')}"
    values: dict[str, object]
    try:
        access = await credentials.access(tenant)
        try:
            kept = await zalo.upload_image(access.token, name, content)
        except AccessTokenInvalid:
            access = await credentials.access(tenant, not_generation=access.generation)
            kept = await zalo.upload_image(access.token, name, content)
    except (ZaloError, CredentialRevoked, CredentialBusy) as error:
        log.warning("campaigns.picture_refused", tenant=tenant.slug, error=type(error).__name__)
        if isinstance(error, CredentialBusy) or (isinstance(error, ZaloError) and error.retryable):
            return None
        values = {"trouble": f"Zalo không nhận ảnh: {type(error).__name__}"}
    else:
        values = {"attachment_id": kept.id, "oa_id": tenant.oa_id, "expires_at": kept.expires_at, "trouble": None}
    async with db.tenant(tenant.id) as session:
        await session.execute(
            update(CampaignPictureRow)
            .where(CampaignPictureRow.tenant_id == tenant.id, CampaignPictureRow.id == picture_id)
            .values(values)
        )
    return str(values["attachment_id"]) if "attachment_id" in values else None


async def waiting(session: AsyncSession, tenant_id: UUID) -> list[UUID]:
    """Pictures that Zalo does not have yet."""
    found = await session.scalars(
        select(CampaignPictureRow.id)
        .where(
            CampaignPictureRow.tenant_id == tenant_id,
            CampaignPictureRow.attachment_id.is_(None),
            CampaignPictureRow.trouble.is_(None),
        )
        .limit(10)
    )
    return list(found)
