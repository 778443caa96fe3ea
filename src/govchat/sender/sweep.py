"""The sweeper: what a crash left `sending` becomes uncertain, and what is uncertain is settled.

Zalo's own list of the conversation is asked first. It proves that a message was said when it holds it, and that it was not when it
reaches back to before the attempt and does not hold it. Where it proves nothing, the contract in `outbox.settle` decides.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from govchat.citizens.know import zalo_id_of
from govchat.db.session import Database
from govchat.kit import clock
from govchat.obs import metrics
from govchat.outbox import settle
from govchat.outbox.put import echo_hash
from govchat.sender.drain import Drainer
from govchat.sender.say import windows_of
from govchat.tenants.credentials import CredentialBusy, CredentialRevoked
from govchat.tenants.registry import Tenant
from govchat.tenants.tokens import Access
from govchat.zalo.client import PAGE_LIMIT
from govchat.zalo.errors import AccessTokenInvalid, ZaloError
from govchat.zalo.replies import ChatMessage

log = structlog.get_logger()

# A live process records within the HTTP time-out of 10 s and its tries at the database.
STALE_AFTER = timedelta(seconds=20)
# Zalo's clock and ours may differ by this much.
CLOCKS_APART = timedelta(seconds=5)
# A history that could not be read is asked for again until the doubt is this old; then the contract decides.
ASK_FOR = timedelta(minutes=10)
# Messages that history called unsaid this often are left to the contract.
MOST_REPEATS = 3


DUE = "SELECT tenant, inbox, receipts, outbox, stale FROM work_waiting($1, $2, $3)"


class Due(msgspec.Struct, frozen=True):
    """What is due for one tenant, and since when; `stale` when something is in doubt. `outbox` is campaigns' where that was asked for."""

    tenant: UUID
    inbox: datetime | None
    receipts: datetime | None
    outbox: datetime | None
    stale: bool


async def due(db: Database, tenant_ids: Sequence[UUID], *, bulk: bool) -> list[Due]:
    """Those of the tenants that have something due: index probes only, each inside its own tenant's bounds."""
    return [Due(*row) for row in await db.rows(DUE, tenant_ids, bulk, STALE_AFTER)]


async def sweep(drainer: Drainer, tenant: Tenant, lanes: tuple[int, int]) -> int:
    """Settle what is settleable for one tenant; answers how many were queued again."""
    db = drainer.registry.db
    async with db.tenant(tenant.id) as session:
        uncertain = await settle.mark_uncertain(session, tenant.id, lanes=lanes, after=STALE_AFTER)
        doubts = await settle.doubts(session, tenant.id, lanes=lanes)
    if uncertain:
        log.warning("sender.uncertain", tenant=tenant.slug, messages=uncertain)
    repeated = 0
    for doubt in doubts:
        if clock.now() - doubt.claimed_at < STALE_AFTER:
            continue
        try:
            said, zalo_id = await _ask(drainer, tenant, doubt)
        except NotRead as unread:
            log.info("sender.history_not_read", tenant=tenant.slug, reason=str(unread))
            if clock.now() - doubt.claimed_at < ASK_FOR:
                continue
            said, zalo_id = None, None
        async with db.tenant(tenant.id) as session:
            outcome = await settle.settle(session, tenant.id, doubt, said=said, zalo_id=zalo_id)
        metrics.OUTBOX_SETTLED.labels(metrics.tenant_label(tenant.slug), outcome).inc()
        log.info("sender.settled", tenant=tenant.slug, message=str(doubt.id), outcome=outcome)
        repeated += outcome == "repeated"
    return repeated


class NotRead(Exception):
    """Zalo's list could not be had this time."""


async def _ask(drainer: Drainer, tenant: Tenant, doubt: settle.Doubt) -> tuple[bool | None, str | None]:
    """What Zalo's list of the conversation proves about one message; raises `NotRead`."""
    if doubt.repeats >= MOST_REPEATS or not doubt.echo_hash:  # a template: its text is not in any history
        return None, None
    async with drainer.registry.db.tenant(tenant.id) as session:
        user_id = await zalo_id_of(session, tenant.id, doubt.citizen_id)
    if user_id is None:
        return None, None
    try:
        access = await drainer.credentials.access(tenant)
        try:
            history = await _history(drainer, tenant, access, user_id)
        except AccessTokenInvalid:
            access = await drainer.credentials.access(tenant, not_generation=access.generation)
            history = await _history(drainer, tenant, access, user_id)
    except (ZaloError, CredentialRevoked, CredentialBusy, SQLAlchemyError) as error:
        raise NotRead(type(error).__name__) from error
    async with drainer.registry.db.tenant(tenant.id) as session:
        ids = [message.message_id for message in history if not message.src_from_user]
        taken = await settle.known_ids(session, tenant.id, ids)
    vault = await drainer.registry.tenant_vault(tenant.id)
    return prove(
        history,
        lambda message: message.message_id not in taken and echo_hash(vault, message.text) == doubt.echo_hash,
        doubt,
    )


async def _history(drainer: Drainer, tenant: Tenant, access: Access, user_id: str) -> list[ChatMessage]:
    """One request, with a token of the limits taken just before it; raises `NotRead`, `ZaloError`."""
    grant = await drainer.buckets.take(windows_of(tenant), 1)
    if not grant.granted:
        raise NotRead("the limit is reached")
    return await drainer.zalo.conversation(access.token, user_id)


def prove(
    history: list[ChatMessage], is_ours: Callable[[ChatMessage], bool], doubt: settle.Doubt
) -> tuple[bool | None, str | None]:
    """(True, id) when the text stands there after the attempt began; (False, None) when the list reaches back past the attempt, or to the
    beginning of the conversation, and does not hold it; (None, None) when the list proves nothing."""
    since = doubt.claimed_at - CLOCKS_APART
    for message in history:
        if not message.src_from_user and message.time and message.time >= since and is_ours(message):
            return True, message.message_id
    reaches_back = any(message.time and message.time < since for message in history)
    # A page that is not full is the whole conversation. An empty one proves nothing: it may be all that a broken list says.
    whole = 0 < len(history) < PAGE_LIMIT
    return (False, None) if reaches_back or whole else (None, None)
