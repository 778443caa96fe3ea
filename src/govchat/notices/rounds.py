"""What has to be done for every province's notices now and then: money balanced, the promise added up, templates read anew each day.

The worker calls these every minute or so; each province is a transaction of its own, and one's trouble is not the others'.
"""

from datetime import timedelta

import structlog
from sqlalchemy import text

from govchat.db.away import ANY_FAILURE
from govchat.kit import clock
from govchat.notices import budget, promise, templates
from govchat.obs import metrics
from govchat.tenants.credentials import CredentialBusy, CredentialRevoked, Credentials
from govchat.tenants.registry import KeyDestroyed, Registry, Tenant
from govchat.zalo.client import ZaloClient
from govchat.zalo.errors import ZaloError

log = structlog.get_logger()

TEMPLATES_EVERY = timedelta(days=1)
AGAIN_AFTER = timedelta(hours=1)
# Fewer than there are, so that those who have to be asked again don't take the others' turns.
ROUNDS_A_DAY = 48

ADD_UP = "SELECT tenant FROM notices_to_add_up($1, $2, $3)"
TO_READ = "SELECT tenant FROM templates_to_read($1, $2)"

# Whoever moves the time asks Zalo: of several workers one does.
ASK = text(
    """
    INSERT INTO notice_settings AS s (tenant_id, templates_asked_at) VALUES (:tenant, :now)
    ON CONFLICT (tenant_id) DO UPDATE SET templates_asked_at = :now
    WHERE s.templates_asked_at IS NULL OR s.templates_asked_at <= :before
    RETURNING tenant_id
    """
)
LATER = text("UPDATE notice_settings SET templates_asked_at = :at WHERE tenant_id = :tenant")


async def all_tenants(registry: Registry) -> None:
    """Turn what was reserved for messages that have ended into spent or refunded money, and add up today's promise; `/metrics` shows it."""
    which = [tenant.id for tenant in registry.now.tenants.values() if tenant.speaks]
    now = clock.now()
    for row in await registry.db.rows(ADD_UP, which, *promise.days_under_way(now)):
        tenant = await registry.by_id(row["tenant"])
        try:
            async with registry.db.tenant(tenant.id) as session:
                await budget.balance(session, tenant.id, now)
                await promise.add_up(session, tenant.id, now)
                days = await promise.days_of(session, tenant.id, 1)
        except ANY_FAILURE as error:
            log.warning("notices.round_failed", tenant=tenant.slug, error=type(error).__name__)
            continue
        _show(tenant, days[0] if days else None)


def _show(tenant: Tenant, day: promise.Day | None) -> None:
    if day is None:
        return
    label = metrics.tenant_label(tenant.slug)
    metrics.PROMISE_ACCEPTED.labels(label).set(day.accepted)
    for seconds, share in (("10", day.share_10), ("60", day.share_60)):
        if share is not None:
            metrics.PROMISE.labels(label, seconds).set(share)


async def sync_templates(
    registry: Registry, credentials: Credentials, zalo: ZaloClient, *, most: int | None = None
) -> int:
    """Read the templates of provinces whose turn it is, a day after the last time; answers how many were read.

    At most `most` of them; by default so many that all have their turn within the day.

    A province that Zalo did not answer is asked again after an hour.
    """
    asked = done = 0
    which = [tenant.id for tenant in registry.now.tenants.values() if tenant.speaks]
    most = most or max(2, -(-len(which) // ROUNDS_A_DAY))
    for row in await registry.db.rows(TO_READ, which, clock.now() - TEMPLATES_EVERY):
        if asked >= most:
            break
        tenant = await registry.by_id(row["tenant"])
        now = clock.now()
        try:
            async with registry.db.tenant(tenant.id) as session:
                mine = await session.scalar(ASK, {"tenant": tenant.id, "now": now, "before": now - TEMPLATES_EVERY})
            if mine is None:
                continue
            asked += 1
            try:
                await templates.sync(registry, credentials, zalo, tenant)
                done += 1
            except (ZaloError, CredentialRevoked, CredentialBusy, KeyDestroyed) as error:
                log.warning("notices.templates_not_read", tenant=tenant.slug, error=type(error).__name__)
                async with registry.db.tenant(tenant.id) as session:
                    again = now - TEMPLATES_EVERY + AGAIN_AFTER
                    await session.execute(LATER, {"tenant": tenant.id, "at": again})
        except ANY_FAILURE as error:
            log.warning("notices.templates_not_read", tenant=tenant.slug, error=type(error).__name__)
    return done
