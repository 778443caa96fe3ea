"""Saying one message to Zalo, and what that became: sent, refused, later, or uncertain. No database connection is held here."""

import asyncio
from datetime import datetime

import msgspec
import structlog

from govchat.kit import clock
from govchat.kit.buckets import Buckets, Window, reserve_for
from govchat.kit.crypto import SealBroken, TenantVault
from govchat.obs import metrics
from govchat.outbox.claim import Claimed, Result
from govchat.outbox.put import Lane, body_context
from govchat.sender.verdict import verdict
from govchat.tenants.registry import Tenant
from govchat.tenants.tokens import Access
from govchat.zalo import messages
from govchat.zalo.client import ZaloClient
from govchat.zalo.errors import AccessTokenInvalid, RateLimited, ZaloError

log = structlog.get_logger()

# A message for which Zalo refused this many tokens, each renewed at once, waits.
MOST_TOKENS = 3
# Zalo counts per minute; after -32 a window rests this long.
REST_S = 5.0


def windows_of(tenant: Tenant) -> tuple[Window, Window]:
    """The limits that a message of this tenant counts against: its app's and its Official Account's."""
    own = tenant.manifest.zalo.requests_per_minute
    shared = tenant.app.requests_per_minute
    return (
        Window(f"app:{tenant.app.app_id}", shared, reserve_for(shared)),
        Window(f"oa:{tenant.oa_id}", own, reserve_for(own)),
    )


async def say(
    zalo: ZaloClient, buckets: Buckets, tenant: Tenant, vault: TenantVault, access: Access, message: Claimed
) -> Result:
    """One attempt at one claimed message."""
    started = clock.now()
    try:
        body = messages.decode(vault.open(message.body_sealed, body_context(message.id)))
    except (SealBroken, msgspec.MsgspecError) as error:  # one damaged row must not take its neighbours along
        log.error("sender.unreadable", tenant=tenant.slug, message=str(message.id), error=type(error).__name__)
        _count(tenant, message, "unreadable")
        return Result(
            id=message.id, attempt=message.attempts, state="failed", outcome="refused", started_at=started,
            kind="unreadable", detail=type(error).__name__,
        )  # fmt: skip
    timer = asyncio.get_running_loop().time()
    try:
        sent = await zalo.send_cs(access.token, body)
    except ZaloError as error:
        if isinstance(error, RateLimited):
            over = [w for w in windows_of(tenant) if error.scope is None or w.name.startswith(f"{error.scope}:")]
            for window in over:
                await buckets.push_back(window, error.retry_after_s or REST_S)
        return _refused(tenant, access, message, error, started)
    _count(tenant, message, "sent")
    metrics.SEND_SECONDS.labels(_kind(message)).observe(asyncio.get_running_loop().time() - timer)
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
    return Lane(message.lane).name.lower()


def _count(tenant: Tenant, message: Claimed, outcome: str) -> None:
    metrics.SENDS.labels(metrics.tenant_label(tenant.slug), _kind(message), outcome).inc()
