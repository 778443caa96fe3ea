"""A tenant's public facts for the steps, made from the registry."""

from datetime import date

from govchat.conversation.context import TenantFacts
from govchat.tenants.registry import Snapshot, Tenant


def facts_of(tenant: Tenant, snapshot: Snapshot, today: date) -> TenantFacts:
    """What citizens may be told about this tenant, and which other province answers for which letter code on that day."""
    manifest = tenant.manifest
    own = [code for code in manifest.h_codes if code.holds_on(today)]
    others = {
        code.code: other.full_name
        for other in snapshot.tenants.values()
        if other.id != tenant.id and other.state != "closed"
        for code in other.manifest.h_codes
        if code.holds_on(today)
    }
    return TenantFacts(
        slug=tenant.slug,
        name=manifest.name,
        full_name=manifest.full_name,
        hotline=manifest.contact.hotline,
        portal_url=manifest.contact.portal_url,
        address=manifest.contact.address,
        h_codes=frozenset(code.code for code in own),
        other_h_codes=others,
        manifest=manifest,
        main_h_code=next((code.code for code in own if code.kind == "own"), None),
    )
