"""Applying manifests: idempotent, one transaction per province, development credentials only in development.

Applying again changes nothing and says so; a changed manifest updates what it owns and touches nothing that people edited.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.db.session import Database
from govchat.kit.crypto import Vault
from govchat.kit.ids import tenant_id_for
from govchat.settings import Settings
from govchat.tenants.manifest import Manifest
from govchat.tenants.models import OaCredentialRow, TenantKeyRow, TenantRecord, ZaloAppRow
from govchat.tenants.registry import secret_context
from govchat.tenants.tokens import token_context


class Applied(msgspec.Struct, frozen=True):
    """What applying one manifest did: `created`, `updated` or `unchanged`."""

    slug: str
    outcome: str


def key_tag_of(tenant_id: UUID) -> str:
    """The eight hex digits by which an API key names its tenant."""
    return tenant_id.hex[:8]


async def apply_all(db: Database, vault: Vault, settings: Settings, manifests: Iterable[Manifest]) -> list[Applied]:
    """Apply each manifest; those before a failing one stay applied."""
    return [await apply(db, vault, settings, manifest) for manifest in manifests]


async def apply(db: Database, vault: Vault, settings: Settings, manifest: Manifest) -> Applied:
    """Bring one province to what its manifest says. New ones start `live` in development, `draft` in production."""
    tenant_id = tenant_id_for(manifest.slug)
    async with db.registry() as session:
        app_changed = await _apply_app(session, vault, settings, manifest)
        outcome = await _apply_tenant(session, settings, manifest, tenant_id)
    async with db.tenant(tenant_id) as session:
        await _ensure_key(session, vault, tenant_id)
        if not settings.is_production:
            await _development_token(session, vault, manifest, tenant_id)
    if app_changed and outcome == "unchanged":
        outcome = "updated"
    return Applied(manifest.slug, outcome)


async def _apply_app(session: AsyncSession, vault: Vault, settings: Settings, manifest: Manifest) -> bool:
    zalo = manifest.zalo
    row = await session.get(ZaloAppRow, zalo.app_id, with_for_update=True)
    wanted: dict[str, object] = {
        "key": manifest.app_key,
        "signature": zalo.signature,
        "pkce_mode": zalo.pkce_mode,
        "requests_per_minute": zalo.app_requests_per_minute,
    }
    if row is None:
        row = ZaloAppRow(app_id=zalo.app_id, **wanted)
        if not settings.is_production:
            for column, kind in (("app_secret", "dev-app-secret"), ("oa_secret", "dev-oa-secret")):
                sealed = vault.seal(f"{kind}:{zalo.app_id}".encode(), secret_context(zalo.app_id, column))
                setattr(row, f"{column}_sealed", sealed)
        session.add(row)
        return True
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.updated_at = await session.scalar(select(func.clock_timestamp())) or row.updated_at
    return bool(changed)


async def _apply_tenant(session: AsyncSession, settings: Settings, manifest: Manifest, tenant_id: UUID) -> str:
    row = await session.get(TenantRecord, tenant_id, with_for_update=True)
    wanted: dict[str, object] = {
        "full_name": manifest.full_name,
        "app_id": manifest.zalo.app_id,
        "oa_id": manifest.zalo.oa_id,
        # As the column gives it back: lists for tuples, texts for dates; else every apply would look like a change.
        "manifest": msgspec.json.decode(msgspec.json.encode(manifest)),
    }
    if row is None:
        state = "draft" if settings.is_production else "live"
        session.add(
            TenantRecord(id=tenant_id, slug=manifest.slug, key_tag=key_tag_of(tenant_id), state=state, **wanted)
        )
        return "created"
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.updated_at = await session.scalar(select(func.clock_timestamp())) or row.updated_at
    return "updated" if changed else "unchanged"


async def _ensure_key(session: AsyncSession, vault: Vault, tenant_id: UUID) -> None:
    wrapped = vault.new_tenant_key(str(tenant_id))
    await session.execute(
        insert(TenantKeyRow).values(tenant_id=tenant_id, wrapped_key=wrapped).on_conflict_do_nothing()
    )


async def _development_token(session: AsyncSession, vault: Vault, manifest: Manifest, tenant_id: UUID) -> None:
    """The first refresh token of development, where there is none or where the stand-in for Zalo has forgotten ours."""
    oa_id = manifest.zalo.oa_id
    row = await session.get(OaCredentialRow, (tenant_id, oa_id), with_for_update=True)
    if row is not None and row.state == "ok" and row.refresh_token_sealed is not None:
        return
    wrapped = await session.scalar(select(TenantKeyRow.wrapped_key).where(TenantKeyRow.tenant_id == tenant_id))
    assert wrapped is not None
    own = vault.tenant(str(tenant_id), wrapped)
    if row is None:
        row = OaCredentialRow(tenant_id=tenant_id, oa_id=oa_id, generation=0)
        session.add(row)
    row.refresh_token_sealed = own.seal(f"dev-refresh:{oa_id}".encode(), token_context(oa_id, "refresh_token"))
    row.state = "ok"
    row.access_token_sealed = row.access_expires_at = row.refusal = None
