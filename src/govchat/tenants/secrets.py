"""Secrets that an operator hands over: those of the Zalo app and of the Official Account.

They come in as `govchat secret set` reads them and go, sealed, into the rows that the registry and `credentials` read; nothing here
prints or logs one, and the record of the change tells only which secret was set.
"""

from typing import Literal, assert_never

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.tenants.models import OaCredentialRow, TenantRecord, ZaloAppRow
from govchat.tenants.reconsent import healed
from govchat.tenants.registry import Registry, Tenant, secret_context
from govchat.tenants.tokens import keep_previous, token_context

SecretName = Literal["app-secret", "oa-secret", "own-oa-secret", "pkce-verifier", "refresh-token"]

# Zalo's secrets are tens, its tokens a few hundred characters long (facts of 2026-11); more than this is another file pasted.
LONGEST = 4096


class SecretUnusable(DomainError):
    """What was given can't be that secret; the message never holds the value."""

    status = 422
    code = "secret_unusable"
    title = "That can't be the secret"


def sound(name: SecretName, given: str) -> str:
    """`given` without the white space around it; raises `SecretUnusable` for what no secret of Zalo looks like."""
    value = given.strip()
    if not value:
        raise SecretUnusable(f"{name} trống: đưa giá trị như trang của Zalo hiện, qua bàn phím hoặc đầu vào chuẩn")
    if len(value) > LONGEST:
        raise SecretUnusable(f"{name} dài {len(value)} ký tự, tối đa {LONGEST}: chỉ chép riêng giá trị")
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise SecretUnusable(
            f"{name} có khoảng trắng, xuống dòng hoặc ký tự mà khóa của Zalo không có: chỉ chép riêng giá trị, trên một dòng"
        )
    return value


async def set_secret(registry: Registry, tenant: Tenant, name: SecretName, given: str, *, actor: str) -> None:
    """Put a secret in place of the one before; running processes use it within seconds. Raises `SecretUnusable`.

    A refresh token makes the Official Account usable again: whatever was refused, claimed or cached with the old one is forgotten.
    """
    value = sound(name, given).encode()
    vault = await registry.tenant_vault(tenant.id)
    async with registry.db.tenant(tenant.id) as session:
        match name:
            case "app-secret" | "oa-secret" | "pkce-verifier":
                before = await _set_of_app(session, registry, tenant, name.replace("-", "_"), value)
            case "own-oa-secret":
                before = await _set_own_oa_secret(session, vault, tenant, value)
            case "refresh-token":
                before = await _set_refresh_token(session, vault, tenant, value)
            case _:
                assert_never(name)
        await note(
            session,
            tenant.id,
            actor=actor,
            act="secret.set",
            subject=name,
            before={"held": before},
            after={"held": True},
        )
    if name == "refresh-token":
        await healed(registry, tenant)


async def _set_of_app(session: AsyncSession, registry: Registry, tenant: Tenant, column: str, value: bytes) -> bool:
    row = await session.get_one(ZaloAppRow, tenant.app.app_id, with_for_update=True)
    held = getattr(row, f"{column}_sealed") is not None
    setattr(row, f"{column}_sealed", registry.vault.seal(value, secret_context(row.app_id, column)))
    # The registry of every process reloads when this moves.
    row.updated_at = await session.scalar(select(func.clock_timestamp())) or row.updated_at
    if column == "app_secret":
        # A refresh that failed for the wrong secret is tried again at once.
        credential = await session.get(OaCredentialRow, (tenant.id, tenant.oa_id), with_for_update=True)
        if credential is not None and credential.refresh_claimed_by is None:
            credential.refresh_claimed_until = None
    return held


async def _set_own_oa_secret(session: AsyncSession, vault: TenantVault, tenant: Tenant, value: bytes) -> bool:
    row = await _credential(session, tenant)
    held = row.oa_secret_sealed is not None
    row.oa_secret_sealed = vault.seal(value, token_context(tenant.oa_id, "oa_secret"))
    record = await session.get_one(TenantRecord, tenant.id, with_for_update=True)
    record.updated_at = await session.scalar(select(func.clock_timestamp())) or record.updated_at
    return held


async def _set_refresh_token(session: AsyncSession, vault: TenantVault, tenant: Tenant, value: bytes) -> bool:
    row = await _credential(session, tenant)
    held = row.refresh_token_sealed is not None
    if held:
        row.previous_sealed = keep_previous(row, vault) or row.previous_sealed
    row.refresh_token_sealed = vault.seal(value, token_context(tenant.oa_id, "refresh_token"))
    row.state, row.app_id = "ok", tenant.app.app_id
    row.access_token_sealed = row.access_expires_at = row.refusal = None
    # A rotation that is under way with the old token finds its lease gone and leaves this one alone.
    row.refresh_claimed_until = row.refresh_claimed_by = None
    row.refresh_issued_at = row.updated_at = clock.now()
    return held


async def _credential(session: AsyncSession, tenant: Tenant) -> OaCredentialRow:
    row = await session.get(OaCredentialRow, (tenant.id, tenant.oa_id), with_for_update=True)
    if row is None:
        row = OaCredentialRow(tenant_id=tenant.id, oa_id=tenant.oa_id, generation=0)
        session.add(row)
    return row
