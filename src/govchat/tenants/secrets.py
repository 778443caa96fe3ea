"""Secrets that an operator hands over: the Zalo app's two, and the Official Account's refresh token.

They come in as `govchat secret set` reads them and go, sealed, into the rows that the registry and `credentials` read; nothing here
prints or logs one.
"""

from typing import Literal, assert_never

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.crypto import SealBroken, TenantVault
from govchat.tenants.models import OaCredentialRow, ZaloAppRow
from govchat.tenants.registry import Registry, Tenant, secret_context
from govchat.tenants.tokens import token_context

SecretName = Literal["app-secret", "oa-secret", "refresh-token"]

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
        raise SecretUnusable(f"{name} is empty: give the value on standard input, as Zalo's console shows it")
    if len(value) > LONGEST:
        raise SecretUnusable(
            f"{name} is {len(value)} characters long: expected at most {LONGEST}, copy the value alone"
        )
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise SecretUnusable(
            f"{name} holds blanks, line breaks or signs that no secret of Zalo has: copy the value alone, on one line"
        )
    return value


async def set_secret(registry: Registry, tenant: Tenant, name: SecretName, given: str) -> None:
    """Put a secret in place of the one before; running processes use it within seconds. Raises `SecretUnusable`.

    A refresh token makes the Official Account usable again: whatever was refused, claimed or cached with the old one is forgotten.
    """
    value = sound(name, given).encode()
    match name:
        case "app-secret" | "oa-secret":
            async with registry.db.registry() as session:
                await _set_of_app(session, registry, tenant, name, value)
        case "refresh-token":
            vault = await registry.tenant_vault(tenant.id)
            async with registry.db.tenant(tenant.id) as session:
                await _set_refresh_token(session, vault, tenant, value)
        case _:
            assert_never(name)


async def _set_of_app(session: AsyncSession, registry: Registry, tenant: Tenant, name: str, value: bytes) -> None:
    column = name.replace("-", "_")
    row = await session.get_one(ZaloAppRow, tenant.app.app_id, with_for_update=True)
    setattr(row, f"{column}_sealed", registry.vault.seal(value, secret_context(row.app_id, column)))
    # The registry of every process reloads when this moves.
    row.updated_at = await session.scalar(select(func.clock_timestamp())) or row.updated_at


async def _set_refresh_token(session: AsyncSession, vault: TenantVault, tenant: Tenant, value: bytes) -> None:
    oa_id = tenant.oa_id
    row = await session.get(OaCredentialRow, (tenant.id, oa_id), with_for_update=True)
    if row is None:
        row = OaCredentialRow(tenant_id=tenant.id, oa_id=oa_id, generation=0)
        session.add(row)
    elif row.refresh_token_sealed is not None:
        row.previous_sealed = _previous(row, vault) or row.previous_sealed
    row.refresh_token_sealed = vault.seal(value, token_context(oa_id, "refresh_token"))
    row.state = "ok"
    row.access_token_sealed = row.access_expires_at = row.refusal = None
    # A rotation that is under way with the old token finds its lease gone and leaves this one alone.
    row.refresh_claimed_until = row.refresh_claimed_by = None
    row.refresh_issued_at = row.updated_at = clock.now()


def _previous(row: OaCredentialRow, vault: TenantVault) -> bytes | None:
    """The replaced token, sealed as a rotation keeps it; None when it does not open, which is a reason to replace it."""
    assert row.refresh_token_sealed is not None
    try:
        old = vault.open(row.refresh_token_sealed, token_context(row.oa_id, "refresh_token")).decode()
    except SealBroken:
        return None
    pair = msgspec.json.encode({"generation": row.generation, "refresh_token": old})
    return vault.seal(pair, token_context(row.oa_id, "previous"))
