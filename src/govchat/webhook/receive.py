"""From raw body to durable row: app by key, signature, tenant by Official Account, intake, bell."""

import structlog

from govchat.errors import DomainError
from govchat.inbox.meaning import CONVERSATIONAL
from govchat.inbox.put import Intake, arrived
from govchat.kit import clock
from govchat.kit.queue import Bell
from govchat.obs import metrics
from govchat.tenants.registry import App, Registry, Tenant
from govchat.webhook.ring import Ringer
from govchat.zalo import events
from govchat.zalo.signature import verify

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
        metrics.WEBHOOK_EVENTS.labels(metrics.tenant_label(None), "unknown_key").inc()
        raise WebhookUnknown(f'webhook "{key[:80]}" is not known: `govchat tenant show SLUG` prints the path')
    if events.is_probe(body):
        metrics.WEBHOOK_EVENTS.labels(metrics.tenant_label(None), "probe").inc()
        return
    try:
        header = events.peek(body)
    except events.NotAnEvent as error:
        _signed(app, body, None, signature=signature, timestamp=timestamp)
        metrics.WEBHOOK_EVENTS.labels(metrics.tenant_label(None), "unreadable").inc()
        raise BodyUnreadable(f"the body is no event: {error}") from error
    variant = _signed(app, body, header, signature=signature, timestamp=timestamp)
    if app.oa_secret is None:
        # Zalo shows the OA secret only after the address has answered: accept, keep nothing.
        return
    tenant = await _tenant(door.registry, app, header.oa_id)
    if tenant is None:
        await door.intake.put_unrouted(door.registry.vault, app.app_id, header.event_name, body)
        metrics.WEBHOOK_EVENTS.labels(metrics.tenant_label(None), "unrouted").inc()
        return
    vault = await door.registry.tenant_vault(tenant.id)
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
    metrics.WEBHOOK_EVENTS.labels(metrics.tenant_label(tenant.slug), "stored" if fresh else "duplicate").inc()
    if fresh:
        door.ringer.ring(tenant.id, asks=asks)


def _signed(
    app: App, body: bytes, header: events.Header | None, *, signature: str | None, timestamp: str | None
) -> str:
    """The variant that fits, `unsigned` when only observing; raises `SignatureInvalid` when enforcing."""
    if app.oa_secret is None:
        return "no_secret"
    verdict = verify(
        body,
        signature,
        app_id=app.app_id,
        secrets=[("app", app.oa_secret)],
        body_timestamp=header.timestamp if header else None,
        header_timestamp=timestamp,
        oa_id=header.oa_id if header else None,
    )
    if verdict.ok:
        metrics.WEBHOOK_SIGNATURES.labels(metrics.tenant_label(app.key), "valid").inc()
        return str(verdict.variant)
    metrics.WEBHOOK_SIGNATURES.labels(metrics.tenant_label(app.key), "invalid" if signature else "missing").inc()
    log.warning("webhook.signature_invalid", app=app.key, reason=verdict.reason, near_miss=verdict.near_miss)
    if app.enforce:
        raise SignatureInvalid(f"{verdict.reason}: Zalo signs with the OA secret key of this app")
    return "unsigned"


async def _tenant(registry: Registry, app: App, oa_id: str | None) -> Tenant | None:
    """The tenant of the Official Account; of an app with a single tenant when the event names none; else None."""
    if oa_id is None:
        own = registry.now.of_app.get(app.app_id, ())
        return own[0] if len(own) == 1 else None
    tenant = await registry.by_oa(oa_id)
    if tenant is None or tenant.app.app_id != app.app_id:
        metrics.WEBHOOK_EVENTS.labels(metrics.tenant_label(None), "oa_refused").inc()
        log.warning("webhook.oa_refused", app=app.key)
        raise OaRefused("the Official Account of this event is not registered for this webhook")
    return tenant
