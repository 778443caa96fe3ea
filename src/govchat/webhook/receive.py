"""From raw body to durable row: app by key, signature, tenant by Official Account, intake, bell."""

import structlog

from govchat.errors import DomainError
from govchat.inbox.meaning import CONVERSATIONAL
from govchat.inbox.put import Intake, arrived
from govchat.kit import clock
from govchat.kit.queue import Bell
from govchat.obs import metrics
from govchat.tenants.registry import App, KeyDestroyed, Registry, Tenant
from govchat.tenants.signatures import INVALID, MISSING, NEAR_MISS
from govchat.webhook.ring import Ringer
from govchat.zalo import events
from govchat.zalo.signature import Verdict, verify

log = structlog.get_logger()


class WebhookUnknown(DomainError):
    """No app of that name."""

    status = 404
    code = "webhook_unknown"
    title = "No such webhook"


class SignatureInvalid(DomainError):
    """The event is not signed with the app's OA secret key."""

    status = 401
    code = "signature_invalid"
    title = "The signature does not fit"


class BodyUnreadable(DomainError):
    """The body is no event."""

    status = 400
    code = "body_unreadable"
    title = "The body is no event"


class OaRefused(DomainError):
    """The Official Account does not belong to this app."""

    status = 403
    code = "oa_not_of_this_app"
    title = "The Official Account does not belong to this webhook"


class Door:
    """What one API process needs to receive."""

    def __init__(self, registry: Registry, intake: Intake, bell: Bell) -> None:
        self.registry = registry
        self.intake = intake
        self.ringer = Ringer(bell)


async def receive(door: Door, key: str, body: bytes, *, signature: str | None, timestamp: str | None) -> None:
    """Return once the event is durable, or was there before, or needs no keeping. Raises a `DomainError` for every refusal."""
    app = await door.registry.app(key)
    if app is None:
        metrics.child(metrics.WEBHOOK_EVENTS, metrics.tenant_label(None), "unknown_key").inc()
        raise WebhookUnknown(f'webhook "{key[:80]}" is not known: `govchat tenant show SLUG` prints the path')
    if events.is_probe(body):
        metrics.child(metrics.WEBHOOK_EVENTS, metrics.tenant_label(None), "probe").inc()
        return
    try:
        header = events.peek(body)
    except events.NotAnEvent as error:
        await _signed(door.registry, app, body, None, signature=signature, timestamp=timestamp)
        metrics.child(metrics.WEBHOOK_EVENTS, metrics.tenant_label(None), "unreadable").inc()
        raise BodyUnreadable(f"the body is no event: {error}") from error
    variant = await _signed(door.registry, app, body, header, signature=signature, timestamp=timestamp)
    if app.oa_secret is None:
        # Zalo shows the OA secret only after the address has answered: accept, keep nothing.
        return
    tenant = await _tenant(door.registry, app, header.oa_id)
    if tenant is None:
        await door.intake.put_unrouted(door.registry.vault, app.app_id, header.event_name, body)
        metrics.child(metrics.WEBHOOK_EVENTS, metrics.tenant_label(None), "unrouted").inc()
        return
    try:
        vault = await door.registry.tenant_vault(tenant.id)
    except KeyDestroyed:
        # Nobody could read it. Zalo is not told: refusals switch the webhook off, for all who share the app.
        metrics.child(metrics.WEBHOOK_EVENTS, metrics.tenant_label(tenant.slug), "destroyed").inc()
        return
    asks = header.event_name in CONVERSATIONAL
    event = arrived(
        vault,
        tenant.id,
        body,
        dedupe_key=header.dedupe_key,
        event_name=header.event_name,
        user_id=header.user_id or "",
        occurred_at=header.occurred_at or clock.now(),
        signature=variant,
        asks=asks,
    )
    fresh = await door.intake.put(event)
    metrics.child(metrics.WEBHOOK_EVENTS, metrics.tenant_label(tenant.slug), "stored" if fresh else "duplicate").inc()
    if fresh:
        door.ringer.ring(tenant.id, asks=asks)


async def _signed(
    registry: Registry,
    app: App,
    body: bytes,
    header: events.Header | None,
    *,
    signature: str | None,
    timestamp: str | None,
) -> str:
    """The variant that fits; `missing`, `invalid` or `near_miss` when only observing. Raises `SignatureInvalid` when enforcing."""
    if app.oa_secret is None:
        return "no_secret"
    oa_id = header.oa_id if header else None

    def fits(label: str, secret: str) -> Verdict:
        return verify(
            body,
            signature,
            app_id=app.app_id,
            secrets=[(label, secret)],
            body_timestamp=header.timestamp if header else None,
            header_timestamp=timestamp,
            oa_id=oa_id,
        )

    verdict = fits("app", app.oa_secret)
    if not verdict.ok and signature and (own := await _own_secret(registry, app, oa_id)):
        by_own = fits("oa", own)
        verdict = by_own if by_own.ok or by_own.near_miss else verdict
    if verdict.ok:
        metrics.child(metrics.WEBHOOK_SIGNATURES, metrics.tenant_label(app.key), "valid").inc()
        return str(verdict.variant)
    metrics.child(
        metrics.WEBHOOK_SIGNATURES, metrics.tenant_label(app.key), "invalid" if signature else "missing"
    ).inc()
    log.warning("webhook.signature_invalid", app=app.key, reason=verdict.reason, near_miss=verdict.near_miss)
    if app.enforce:
        raise SignatureInvalid(f"{verdict.reason}: Zalo signs with the OA secret key of this app")
    if not signature:
        return MISSING
    return f"{NEAR_MISS}: {verdict.near_miss}" if verdict.near_miss else INVALID


async def _own_secret(registry: Registry, app: App, oa_id: str | None) -> str | None:
    """The secret key of the event's own Official Account, where it has one."""
    tenant = registry.now.by_oa.get(oa_id or "")
    return await registry.oa_secret(tenant) if tenant is not None and tenant.is_served_by(app) else None


async def _tenant(registry: Registry, app: App, oa_id: str | None) -> Tenant | None:
    """The tenant of the Official Account; of an app with a single tenant when the event names none; else None."""
    if oa_id is None:
        own = registry.now.of_app.get(app.app_id, ())
        return own[0] if len(own) == 1 else None
    tenant = await registry.by_oa(oa_id)
    # A province that moved to another app is heard through both for a while.
    if tenant is None or not tenant.is_served_by(app):
        metrics.child(metrics.WEBHOOK_EVENTS, metrics.tenant_label(None), "oa_refused").inc()
        log.warning("webhook.oa_refused", app=app.key)
        raise OaRefused("the Official Account of this event is not registered for this webhook")
    return tenant
