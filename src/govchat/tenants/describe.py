"""A tenant as operators see it: identity, wiring, limits and whether its credentials work; never a secret.

From the registry and the credential's row; `govchat tenant show` and `list` print it.
"""

import msgspec

from govchat.kit import clock
from govchat.tenants.models import OaCredentialRow
from govchat.tenants.registry import Registry, Tenant
from govchat.tenants.schema import QuietHours
from govchat.tenants.tokens import credential_state


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What may be told of a tenant. `missing` names what `govchat secret set` has yet to be given."""

    slug: str
    name: str
    full_name: str
    type: str
    state: str
    app_id: str
    oa_id: str
    webhook_path: str
    signature: str
    credential_state: str
    missing: list[str]
    requests_per_minute: int
    app_requests_per_minute: int
    quiet_hours: QuietHours
    h_codes: list[str]


async def describe(registry: Registry, tenant: Tenant) -> Description:
    """The tenant as the registry's snapshot and its credential's row say now."""
    async with registry.db.tenant(tenant.id) as session:
        row = await session.get(OaCredentialRow, (tenant.id, tenant.oa_id))
    held = {
        "app-secret": tenant.app.app_secret is not None,
        "oa-secret": tenant.app.oa_secret is not None,
        "refresh-token": row is not None and row.refresh_token_sealed is not None,
    }
    manifest = tenant.manifest
    return Description(
        slug=tenant.slug,
        name=manifest.name,
        full_name=tenant.full_name,
        type=manifest.type,
        state=tenant.state,
        app_id=tenant.app.app_id,
        oa_id=tenant.oa_id,
        webhook_path=tenant.webhook_path,
        signature="enforce" if tenant.app.enforce else "observe",
        credential_state=credential_state(row, clock.now()),
        missing=[name for name, is_held in held.items() if not is_held],
        requests_per_minute=manifest.zalo.requests_per_minute,
        app_requests_per_minute=tenant.app.requests_per_minute,
        quiet_hours=manifest.quiet_hours,
        h_codes=[h_code.code for h_code in manifest.h_codes],
    )
