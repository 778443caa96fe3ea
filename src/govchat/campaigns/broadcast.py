"""An article broadcast by Zalo: made, checked, then asked for once. What Zalo refuses is told to each recipient one by one instead.

Every call to Zalo is written down before it is made, and no connection is held during it. What a process that died had asked for is
never asked again: an article or a broadcast of which nobody knows stays `uncertain`.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.campaigns import begin, lawful, queries
from govchat.campaigns.message import ROOM, article_of
from govchat.campaigns.models import CampaignRow
from govchat.db.session import Database
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.phrases import overlaid
from govchat.tenants.credentials import CredentialBusy, CredentialRevoked, Credentials
from govchat.tenants.phrases import own_phrases
from govchat.tenants.registry import Tenant
from govchat.zalo.client import ZaloClient
from govchat.zalo.errors import AccessTokenInvalid, Kind, ZaloError

log = structlog.get_logger()
T = TypeVar("T")

# Zalo answers within the HTTP time-out or never will.
LOST_AFTER = timedelta(minutes=2)
# What stands where Zalo was asked and its answer never came.
ASKED = ""

TOLD = text("UPDATE outbox_bodies SET is_open = false, planned = :planned WHERE tenant_id = :tenant AND id = :id")
ENDED = {
    state: text(f"UPDATE outbox_bodies SET {state} = planned WHERE tenant_id = :tenant AND id = :id")  # noqa: S608 - two names of ours
    for state in ("sent", "uncertain")
}
BACK = text("UPDATE outbox_bodies SET is_open = :open, planned = 0 WHERE tenant_id = :tenant AND id = :id")
PROMOTED = text(
    """
    INSERT INTO promotion_days (tenant_id, citizen_id, day, message_id)
    SELECT c.tenant_id, c.id, :day, :campaign FROM citizens c
    WHERE c.tenant_id = :tenant AND c.follows AND c.zalo_user_id NOT LIKE 'tel:%'
    ON CONFLICT (tenant_id, citizen_id) DO UPDATE SET day = excluded.day, message_id = excluded.message_id
    """
)


class Hands(msgspec.Struct, frozen=True):
    """What asking Zalo on a province's behalf takes."""

    db: Database
    credentials: Credentials
    zalo: ZaloClient
    vault: TenantVault
    permit: Callable[[Tenant], Awaitable[bool]]
    allow_insecure: bool


class Waits(Exception):
    """Not now: `args[0]` says why, None when somebody else is at it or the limits are reached."""


async def move(hands: Hands, tenant: Tenant, campaign_id: UUID) -> bool | None:
    """Carry a campaign with an article on that is due: True when Zalo was asked to broadcast it, False when it waits, None when each
    recipient is to be told one by one."""
    try:
        row = await _ruled(hands, tenant, campaign_id)
        if row is None:
            return None
        if row.article_id is None and not await _made(hands, tenant, row):
            return None
        if not await _asked(hands, tenant, campaign_id):
            return None
    except Waits as waits:
        async with hands.db.tenant(tenant.id) as session:
            row = await queries.row_of(session, tenant.id, campaign_id, lock=True)
            if row.state in ("approved", "scheduled"):
                row.trouble = waits.args[0] or row.trouble
        return False
    await _send(hands, tenant, campaign_id)
    return True


async def _ruled(hands: Hands, tenant: Tenant, campaign_id: UUID) -> CampaignRow | None:
    """The campaign as long as Zalo may broadcast it; None when each is to be told one by one. Raises `Waits`."""
    at_zalo = None
    async with hands.db.tenant(tenant.id) as session:
        row = await queries.row_of(session, tenant.id, campaign_id)
        due = row.state in ("approved", "scheduled") and (row.send_at is None or row.send_at <= clock.now())
    if not due:
        raise Waits(None)
    if row.way == "personal" or row.test or not tenant.speaks or queries.message_of(hands.vault, row).article is None:
        return None
    if row.class_ == "promotion":
        told = await _told(hands, tenant, hands.zalo.get_oa)
        if isinstance(told, ZaloError):
            await _one_by_one(hands, tenant, campaign_id, f"Zalo không cho biết có bao nhiêu người quan tâm: {told}")
            return None
        at_zalo = told.num_follower
    async with hands.db.tenant(tenant.id) as session:
        ruling = await lawful.rule(session, tenant, row, clock.now(), followers_at_zalo=at_zalo)
    if ruling.against is not None:
        await _one_by_one(hands, tenant, campaign_id, ruling.against)
        return None
    if ruling.wait is not None:
        raise Waits(ruling.wait)
    return row


async def _one_by_one(hands: Hands, tenant: Tenant, campaign_id: UUID, why: str) -> None:
    """Each recipient is told instead; the audit trail says why."""
    async with hands.db.tenant(tenant.id) as session:
        row = await queries.row_of(session, tenant.id, campaign_id, lock=True)
        if row.way == "personal":
            return
        if row.way == "broadcast":  # Zalo refused what it had been asked for, whatever became of the campaign meanwhile
            row.expanded, row.cursor = False, None
            await session.execute(BACK, {"tenant": tenant.id, "id": campaign_id, "open": row.state == "running"})
        row.way = "personal"
        await session.flush()
        await _noted(session, row, "campaign.told_one_by_one", {"why": why[:300]})
    log.info("campaigns.told_one_by_one", tenant=tenant.slug, campaign=str(campaign_id))


async def _made(hands: Hands, tenant: Tenant, row: CampaignRow) -> bool:
    """Whether Zalo has the article; it is made if nobody has asked yet. Raises `Waits` while Zalo is at it."""
    if row.article_token is None:
        await _create(hands, tenant, row)
        raise Waits("Zalo đang tạo bài viết")
    if row.article_token == ASKED:
        if row.broadcast_at is not None and clock.now() - row.broadcast_at < LOST_AFTER:
            raise Waits(None)
        await _one_by_one(hands, tenant, row.id, "Zalo không trả lời là đã tạo bài viết hay chưa")
        return False
    token = row.article_token
    told = await _told(hands, tenant, lambda access: hands.zalo.verify_article(access, token))
    if isinstance(told, ZaloError):
        await _one_by_one(hands, tenant, row.id, f"Zalo không nhận bài viết: {told}")
        return False
    async with hands.db.tenant(tenant.id) as session:
        (await queries.row_of(session, tenant.id, row.id, lock=True)).article_id = told
    return True


async def _create(hands: Hands, tenant: Tenant, row: CampaignRow) -> None:
    given = queries.message_of(hands.vault, row).article
    assert given is not None
    async with hands.db.tenant(tenant.id) as session:
        with overlaid(await own_phrases(session, tenant.id, ROOM)):
            article = article_of(given, row.class_, allow_insecure=hands.allow_insecure)  # type: ignore[arg-type]
        mine = await queries.row_of(session, tenant.id, row.id, lock=True)
        if mine.article_token is not None or mine.state != row.state:
            raise Waits(None)
        mine.article_token, mine.broadcast_at = ASKED, clock.now()
    try:
        told = await _told(hands, tenant, lambda access: hands.zalo.create_article(access, article))
    except Waits:
        await _keep_token(hands, tenant, row.id, None)  # nothing was asked
        raise
    if not isinstance(told, ZaloError):
        await _keep_token(hands, tenant, row.id, told)
    else:
        await _one_by_one(hands, tenant, row.id, f"Zalo không nhận bài viết: {told}")


async def _keep_token(hands: Hands, tenant: Tenant, campaign_id: UUID, token: str | None) -> None:
    async with hands.db.tenant(tenant.id) as session:
        row = await queries.row_of(session, tenant.id, campaign_id, lock=True)
        row.article_token, row.broadcast_at = token, None


async def _told(hands: Hands, tenant: Tenant, call: Callable[[str], Awaitable[T]]) -> T | ZaloError:
    """Zalo's answer, or its refusal for good. Raises `Waits` where asking again later is safe."""
    if not await hands.permit(tenant):
        raise Waits(None)
    try:
        access = await hands.credentials.access(tenant)
        try:
            return await call(access.token)
        except AccessTokenInvalid:
            access = await hands.credentials.access(tenant, not_generation=access.generation)
            return await call(access.token)
    except (CredentialBusy, CredentialRevoked) as error:
        raise Waits(f"chưa có quyền truy cập Zalo: {error.title}") from error
    except ZaloError as error:
        if error.kind is Kind.wait and not error.uncertain:
            raise Waits(f"Zalo yêu cầu chờ: {error}") from error
        return error


async def _asked(hands: Hands, tenant: Tenant, campaign_id: UUID) -> bool:
    """Write down that Zalo is about to be asked; False when it must not be any more. Raises `Waits`."""
    async with hands.db.tenant(tenant.id) as session:
        row = await queries.row_of(session, tenant.id, campaign_id, lock=True)
        if row.state not in ("approved", "scheduled") or row.way is not None:
            raise Waits(None)
        now = clock.now()
        ruling = await lawful.rule(session, tenant, row, now)
        if ruling.allows:
            message = queries.message_of(hands.vault, row)
            await begin.open_body(session, hands.vault, tenant, row, message, allow_insecure=hands.allow_insecure)
            await session.execute(TOLD, {"tenant": tenant.id, "id": campaign_id, "planned": ruling.followers})
            row.state, row.started_at, row.trouble, row.way = "running", now, None, "broadcast"
            row.expanded, row.broadcast_at = True, now
            return True
    if ruling.wait is not None:
        raise Waits(ruling.wait)
    await _one_by_one(hands, tenant, campaign_id, ruling.against or "")
    return False


async def _send(hands: Hands, tenant: Tenant, campaign_id: UUID) -> None:
    async with hands.db.tenant(tenant.id) as session:
        article_id = (await queries.row_of(session, tenant.id, campaign_id)).article_id
    assert article_id is not None
    try:
        told = await _told(hands, tenant, lambda access: hands.zalo.broadcast(access, article_id))
    except Waits as waits:
        await _again(hands, tenant, campaign_id, waits.args[0])
        return
    if not isinstance(told, ZaloError):
        await _ended(hands, tenant, campaign_id, told)
    elif told.uncertain:
        await _ended(hands, tenant, campaign_id, None)
    else:
        await _one_by_one(hands, tenant, campaign_id, f"Zalo không gửi đồng loạt: {told}")


async def _again(hands: Hands, tenant: Tenant, campaign_id: UUID, why: str | None) -> None:
    """Nothing was asked, or Zalo said later: it stands where it stood."""
    async with hands.db.tenant(tenant.id) as session:
        row = await queries.row_of(session, tenant.id, campaign_id, lock=True)
        if row.state == "running":
            row.state, row.started_at = "approved", None
        elif row.state == "paused":
            row.paused_from = "approved"
        row.way, row.expanded, row.broadcast_at, row.trouble = None, False, None, why
        await session.execute(BACK, {"tenant": tenant.id, "id": campaign_id, "open": False})


async def _ended(hands: Hands, tenant: Tenant, campaign_id: UUID, message_id: str | None) -> None:
    """Zalo took it (`message_id`), or nobody knows; once."""
    async with hands.db.tenant(tenant.id) as session:
        row = await queries.row_of(session, tenant.id, campaign_id, lock=True)
        if row.way != "broadcast" or row.broadcast_id is not None:
            return
        row.broadcast_id = message_id if message_id is not None else ASKED
        at = {"tenant": tenant.id, "id": campaign_id}
        await session.execute(ENDED["uncertain" if message_id is None else "sent"], at)
        if row.class_ == "promotion":
            today = clock.now().astimezone(clock.VN).date()
            await session.execute(PROMOTED, {"tenant": tenant.id, "day": today, "campaign": campaign_id})
        await session.flush()
        after = {"article_id": row.article_id, "message_id": message_id}
        await _noted(session, row, "campaign.broadcast", after)
    log.info("campaigns.broadcast", tenant=tenant.slug, campaign=str(campaign_id), known=message_id is not None)


async def look_after(hands: Hands, tenant: Tenant, campaign_id: UUID) -> None:
    """Settle a broadcast that a process which is gone had asked for: nobody knows, and it is not asked again."""
    async with hands.db.tenant(tenant.id) as session:
        row = await queries.row_of(session, tenant.id, campaign_id)
    lost = row.broadcast_at is not None and clock.now() - row.broadcast_at > LOST_AFTER
    if row.way == "broadcast" and row.broadcast_id is None and lost:
        await _ended(hands, tenant, campaign_id, None)


async def _noted(session: AsyncSession, row: CampaignRow, act: str, after: dict[str, str | None]) -> None:
    subject = f"campaign:{row.id}"
    await note(session, row.tenant_id, actor="system:fanout", act=act, subject=subject, after=after)
