"""A tenant's public facts for the steps, made from the registry."""

from collections.abc import Mapping
from datetime import date

from govchat.conversation.context import TenantFacts
from govchat.tenants.registry import Snapshot, Tenant


def holders(snapshot: Snapshot, today: date) -> dict[str, str]:
    """Who answers for which letter code on that day, by full name; closed ones answer for none."""
    return {
        code.code: tenant.full_name
        for tenant in snapshot.tenants.values()
        if tenant.state != "closed"
        for code in tenant.manifest.h_codes
        if code.holds_on(today)
    }


def facts_of(tenant: Tenant, snapshot: Snapshot, today: date, *, held: Mapping[str, str] | None = None) -> TenantFacts:
    """What citizens may be told about this tenant, and which other province answers for which letter code on that day.

    `held` is what `holders` answers, for whoever asks for many tenants.
    """
    manifest = tenant.manifest
    own = [code for code in manifest.h_codes if code.holds_on(today)]
    others = dict(holders(snapshot, today) if held is None else held)
    for code in own:
        others.pop(code.code, None)
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
