"""From the token in an address to what its page may show: status, unit and dates, never a person.

Unknown, damaged, revoked and foreign tokens are one answer, None. A province that was merged away keeps answering: its tokens are proven
with its own key, its dossiers found where they are now, and the page leads to the Official Account of the successor.
"""

from datetime import datetime

import msgspec
from sqlalchemy import select

from govchat.dossiers.models import DossierRow
from govchat.receipts import token
from govchat.receipts.models import ReceiptTokenRow
from govchat.tenants.registry import Registry, Tenant


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What anybody who holds the receipt may see; `tenant` is the province that answers today."""

    tenant: Tenant
    code: str
    status: int
    unit: str
    received_at: datetime | None
    due_at: datetime | None
    changed_at: datetime


class Genuine(msgspec.Struct, frozen=True):
    """A token that we made; whether it still stands is not yet known."""

    parts: token.Parts
    issuer: Tenant


async def recognise(registry: Registry, text: str) -> Genuine | None:
    """The token in `text`, proven, without a look into any province's rows; None for everything else."""
    parts = token.read(text)
    issuer = await registry.by_tag(parts.tag) if parts else None
    if parts is None or issuer is None:
        return None
    vault = await registry.tenant_vault(issuer.id)
    return Genuine(parts, issuer) if token.is_ours(vault, parts) else None


async def show(registry: Registry, genuine: Genuine) -> Shown | None:
    """What the page of a token shows; None when it was revoked or its dossier is gone."""
    successor = successor_of(registry, genuine.issuer)
    # A merger may have moved the rows to the successor, or left them where they were.
    for home in (successor, genuine.issuer) if successor else (genuine.issuer,):
        found = await _at(registry, home, genuine.parts.ref)
        if found is not None:
            return Shown(
                tenant=successor or genuine.issuer,
                code=found.code,
                status=found.status,
                unit=found.unit,
                received_at=found.received_at,
                due_at=found.due_at,
                changed_at=found.changed_at,
            )
    return None


def successor_of(registry: Registry, tenant: Tenant) -> Tenant | None:
    """The province into which a closed one was merged, by the lineage in the manifests."""
    if tenant.state != "closed":
        return None
    return next(
        (
            other
            for other in registry.now.tenants.values()
            if other.id != tenant.id
            and other.state != "closed"
            and any(each.slug == tenant.slug for each in other.manifest.lineage.predecessors)
        ),
        None,
    )


async def _at(registry: Registry, home: Tenant, ref: bytes) -> DossierRow | None:
    async with registry.db.tenant(home.id) as session:
        return await session.scalar(
            select(DossierRow)
            .join(
                ReceiptTokenRow,
                (ReceiptTokenRow.tenant_id == DossierRow.tenant_id) & (ReceiptTokenRow.dossier_id == DossierRow.id),
            )
            .where(
                ReceiptTokenRow.tenant_id == home.id,
                ReceiptTokenRow.ref == ref,
                ReceiptTokenRow.revoked_at.is_(None),
            )
        )
