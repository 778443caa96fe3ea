"""Applying manifests: idempotent, one transaction per province, development credentials only in development.

Applying again changes nothing and says so; a changed manifest updates what it owns and touches nothing that people edited. What
changed is noted in the audit trail by the same transaction.
"""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.db.session import Database
from govchat.kit.crypto import Vault
from govchat.kit.ids import tenant_id_for
from govchat.settings import Settings
from govchat.tenants.manifest import Manifest
from govchat.tenants.models import OaCredentialRow, TenantKeyRow, TenantRecord, ZaloAppRow
from govchat.tenants.parts import Part
from govchat.tenants.plan import Plan as Applied
from govchat.tenants.plan import in_order, plain, plan, plan_for, with_parts
from govchat.tenants.registry import secret_context
from govchat.tenants.tokens import token_context

__all__ = ["Applied", "apply", "apply_all", "key_tag_of"]

SYSTEM = "system:apply"


def key_tag_of(tenant_id: UUID) -> str:
    """The eight hex digits by which an API key names its tenant."""
    return tenant_id.hex[:8]


async def apply_all(
    db: Database,
    vault: Vault,
    settings: Settings,
    manifests: Sequence[Manifest],
    *,
    actor: str = SYSTEM,
    folder: Path | None = None,
    parts: Sequence[Part] = (),
) -> list[Applied]:
    """Apply each manifest, with the parts in its folder below `folder`.

    Raises `ManifestRefused`, or `ConfigurationError` for a part's file with a mistake, before the first write.
    """
    ordered = await in_order(db, manifests)
    homes = {each.slug: folder and folder / each.slug for each in ordered}
    for each in ordered:
        home = homes[each.slug]
        if home is not None and any((home / part.file).exists() for part in parts):
            await plan(db, each, home=home, parts=parts)
    return [await apply(db, vault, settings, each, actor=actor, home=homes[each.slug], parts=parts) for each in ordered]


async def apply(
    db: Database,
    vault: Vault,
    settings: Settings,
    manifest: Manifest,
    *,
    actor: str = SYSTEM,
    home: Path | None = None,
    parts: Sequence[Part] = (),
    overwrite: frozenset[str] = frozenset(),
) -> Applied:
    """Bring one province to what its manifest says. New ones start `live` in development, `draft` in production.

    Of the `parts` in the folder `home`, what an admin edited is kept, unless the part's name is in `overwrite`.
    """
    tenant_id = tenant_id_for(manifest.slug)
    async with db.tenant(tenant_id) as session:
        row = await session.get(TenantRecord, tenant_id, with_for_update=True)
        app = None if row is None else await session.get(ZaloAppRow, row.app_id)
        found = plan_for(row, app, manifest)
        if found.outcome == "closed":
            return found
        if found.outcome != "unchanged":
            await _apply_app(session, vault, settings, manifest)
            await _apply_tenant(session, settings, manifest, row)
            await session.flush()
        await _ensure_key(session, vault, tenant_id)
        if not settings.is_production:
            await _development_token(session, vault, manifest, tenant_id)
        done = await with_parts(session, found, home=home, parts=parts, overwrite=overwrite, actor=actor, write=True)
        if done.changes:
            await note(
                session,
                tenant_id,
                actor=actor,
                act="tenant.apply",
                subject=manifest.slug,
                before={change.field: change.before for change in done.changes if change.before is not None},
                after={change.field: change.after for change in done.changes if change.after is not None},
            )
    return done


async def _apply_app(session: AsyncSession, vault: Vault, settings: Settings, manifest: Manifest) -> None:
    zalo = manifest.zalo
    await _retire_namesake(session, manifest)
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
        await session.flush()  # before the tenant that points at it
        return
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.updated_at = await session.scalar(select(func.clock_timestamp())) or row.updated_at


async def _retire_namesake(session: AsyncSession, manifest: Manifest) -> None:
    """An app id that was mended leaves its row behind: the name goes to the new one, no webhook reaches the old one any more."""
    old = await session.scalar(
        select(ZaloAppRow)
        .where(ZaloAppRow.key == manifest.app_key, ZaloAppRow.app_id != manifest.zalo.app_id)
        .with_for_update()
    )
    if old is not None:
        old.key = f"{old.key}~{old.app_id}"  # no slug and no app name can hold a tilde
        old.updated_at = await session.scalar(select(func.clock_timestamp())) or old.updated_at
        await session.flush()


async def _apply_tenant(
    session: AsyncSession, settings: Settings, manifest: Manifest, row: TenantRecord | None
) -> None:
    wanted: dict[str, object] = {
        "full_name": manifest.full_name,
        "app_id": manifest.zalo.app_id,
        "oa_id": manifest.zalo.oa_id,
        "manifest": plain(manifest),
    }
    if row is None:
        tenant_id = tenant_id_for(manifest.slug)
        state = "draft" if settings.is_production else "live"
        session.add(
            TenantRecord(id=tenant_id, slug=manifest.slug, key_tag=key_tag_of(tenant_id), state=state, **wanted)
        )
        return
    for name, value in wanted.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
    row.updated_at = await session.scalar(select(func.clock_timestamp())) or row.updated_at


async def _ensure_key(session: AsyncSession, vault: Vault, tenant_id: UUID) -> None:
    if await session.scalar(select(TenantKeyRow.tenant_id).where(TenantKeyRow.tenant_id == tenant_id)):
        return
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
    row.app_id = manifest.zalo.app_id
    row.refresh_token_sealed = own.seal(f"dev-refresh:{oa_id}".encode(), token_context(oa_id, "refresh_token"))
    row.state = "ok"
    row.access_token_sealed = row.access_expires_at = row.refusal = None
