"""Saying one message to Zalo, and what that became: sent, refused, later, or uncertain. No database connection is held meanwhile."""

import asyncio
from datetime import datetime

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.blocks import Channel, block
from govchat.db.session import Database
from govchat.kit import clock
from govchat.kit.buckets import Buckets
from govchat.kit.crypto import SealBroken, TenantVault
from govchat.kit.windows import Window, reserve_for
from govchat.notices.refusal import after_refusal
from govchat.obs import metrics
from govchat.outbox import template_day
from govchat.outbox.claim import Claimed, Result, Shared
from govchat.outbox.put import Lane, body_context
from govchat.outbox.shared import compose
from govchat.sender.verdict import verdict
from govchat.tenants.registry import Tenant
from govchat.tenants.tokens import Access
from govchat.zalo import outgoing
from govchat.zalo.client import ZaloClient
from govchat.zalo.errors import (
    AccessTokenInvalid,
    RateLimited,
    RecipientRefused,
    RecipientUnreachable,
    ZaloError,
)
from govchat.zalo.exchange import Rate

log = structlog.get_logger()

# A message for which Zalo refused this many tokens, each renewed at once, waits.
MOST_TOKENS = 3
# Zalo counts per minute; after -32 a window rests this long.
REST_S = 5.0
# Zalo says how many requests are left in its minute: with this few, somebody else spends from it too, and the window rests for a moment.
FEW_LEFT, FEW_LEFT_REST_S = 2, 1.0
KINDS = {int(lane): lane.name.lower() for lane in Lane}
# The outcome of an attempt after which the notice is said on another channel.
MOVED_ON = "next channel"
# The feature's, the account's and the template's allowance of the day.
DAY_IS_SPENT = (-211, -144, -147)


def windows_of(tenant: Tenant) -> tuple[Window, Window]:
    """The limits that a message of this tenant counts against: its app's and its Official Account's."""
    own = tenant.manifest.zalo.requests_per_minute
    shared = tenant.app.requests_per_minute
    return (
        Window(f"app:{tenant.app.app_id}", shared, reserve_for(shared)),
        Window(f"oa:{tenant.oa_id}", own, reserve_for(own), paced=True),
    )


async def say(
    db: Database,
    zalo: ZaloClient,
    buckets: Buckets,
    tenant: Tenant,
    vault: TenantVault,
    access: Access,
    message: Claimed,
) -> Result:
    """One attempt at one claimed message; a notice that is refused for good goes on to its next channel."""
    started = clock.now()
    try:
        body = _body(vault, message)
    except (
        SealBroken,
        msgspec.MsgspecError,
        ValueError,
    ) as error:  # one damaged row must not take its neighbours along
        log.error("sender.unreadable", tenant=tenant.slug, message=str(message.id), error=type(error).__name__)
        _count(tenant, message, "unreadable")
        return Result(
            id=message.id, attempt=message.attempts, state="failed", outcome="refused", started_at=started,
            kind="unreadable", detail=type(error).__name__,
        )  # fmt: skip
    timer = asyncio.get_running_loop().time()
    try:
        sent = await zalo.send(access.token, body)
    except ZaloError as error:
        if isinstance(error, RateLimited):
            over = [w for w in windows_of(tenant) if error.scope is None or w.name.startswith(f"{error.scope}:")]
            for window in over:
                await buckets.push_back(window, error.retry_after_s or REST_S)
        result = _refused(tenant, access, message, error, started)
        return await _elsewhere(db, tenant, vault, message, error, result)
    if sent.rate is not None:
        await _heed(buckets, tenant, sent.rate)
    _count(tenant, message, "sent")
    metrics.child(metrics.SEND_SECONDS, _kind(message)).observe(asyncio.get_running_loop().time() - timer)
    if message.lane == Lane.REPLY:
        metrics.ACCEPTED_SECONDS.observe(max(0.0, (clock.now() - message.caused_at).total_seconds()))
    return Result(
        id=message.id,
        attempt=message.attempts,
        state="sent",
        outcome="sent",
        started_at=started,
        zalo_message_id=sent.message_id,
    )


async def _heed(buckets: Buckets, tenant: Tenant, rate: Rate) -> None:
    """What Zalo counts of this minute moves the account's window: a limit lower than ours is kept, and the last few requests are left."""
    own = windows_of(tenant)[-1]
    if rate.limit is not None:
        buckets.told(own, rate.limit)
    if rate.remain is not None and rate.remain <= FEW_LEFT:
        await buckets.push_back(own, FEW_LEFT_REST_S)


def _body(vault: TenantVault, message: Claimed) -> outgoing.Outgoing:
    """What is sent: the message's own body, or that of its campaign, made this recipient's."""
    if message.shared is not None:
        return compose(vault, message, message.shared)
    return outgoing.decode(vault.open(message.body_sealed, body_context(message.id)))


async def _elsewhere(
    db: Database, tenant: Tenant, vault: TenantVault, message: Claimed, error: ZaloError, result: Result
) -> Result:
    """The result of a refused notice: done with, when its next channel has been put. Zalo's answer is there, the call has ended.

    What a campaign's recipient refuses is remembered for good, so that the next campaign doesn't ask again; a template's day likewise.
    """
    if message.lane != Lane.NOTICE and message.shared is None:
        return result
    try:
        async with db.tenant(tenant.id) as session:
            if message.shared is not None:
                await _learn(session, tenant, message, message.shared, error)
                return result
            gave_up = result.state == "failed"
            moved_on = await after_refusal(session, vault, tenant.id, message.id, error, gave_up=gave_up)
    except Exception as failure:  # whatever it is, what Zalo answered is recorded all the same
        log.warning("sender.next_channel_failed", tenant=tenant.slug, error=type(failure).__name__)
        return result
    if not moved_on:
        return result
    return msgspec.structs.replace(result, state="failed", outcome=MOVED_ON, due_at=None, counts=True)


async def _learn(session: AsyncSession, tenant: Tenant, message: Claimed, shared: Shared, error: ZaloError) -> None:
    channel = shared.channel
    if channel == "uid" and error.code in DAY_IS_SPENT:
        await template_day.spent(session, tenant.id, shared.body_ref, clock.now().astimezone(clock.VN).date())
    if isinstance(error, RecipientRefused | RecipientUnreachable) and not error.uncertain:
        refused = isinstance(error, RecipientRefused)
        way: Channel = "uid" if channel == "uid" else "cs"
        await block(session, tenant.id, message.citizen_id, way, code=error.code, refused=refused, at=clock.now())


def _refused(tenant: Tenant, access: Access, message: Claimed, error: ZaloError, started: datetime) -> Result:
    if not isinstance(error, AccessTokenInvalid):
        _count(tenant, message, str(error.kind))
        return verdict(message, error, started)
    _count(tenant, message, "auth")
    if message.attempts > MOST_TOKENS:  # fresh tokens don't help: come back in minutes, not at once
        later = verdict(message, error, started)
        return msgspec.structs.replace(later, refused_generation=access.generation)
    return Result(
        id=message.id, attempt=message.attempts, state="queued", outcome="token", started_at=started,
        due_at=clock.now(), zalo_code=error.code, kind="auth", refused_generation=access.generation,
    )  # fmt: skip


def untouched(message: Claimed) -> Result:
    """Claimed, but not tried: the message before it has to go first."""
    return Result(
        id=message.id,
        attempt=message.attempts,
        state="queued",
        outcome="held back",
        started_at=clock.now(),
        counts=False,
    )


def _kind(message: Claimed) -> str:
    return KINDS[message.lane]


def _count(tenant: Tenant, message: Claimed, outcome: str) -> None:
    metrics.child(metrics.SENDS, metrics.tenant_label(tenant.slug), _kind(message), outcome).inc()
