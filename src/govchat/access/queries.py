"""Which API keys a tenant has: what may be shown of them, never the key or its hash."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.access.models import ApiKeyRow


class KeyShown(msgspec.Struct, frozen=True):
    """A key by its prefix: what it may do, when it was made, last used (to the minute) and revoked."""

    prefix: str
    scopes: list[str]
    mode: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


async def keys_of(session: AsyncSession, tenant_id: UUID) -> list[KeyShown]:
    """Every key of the tenant, revoked ones too, oldest first."""
    rows = await session.scalars(
        select(ApiKeyRow).where(ApiKeyRow.tenant_id == tenant_id).order_by(ApiKeyRow.created_at, ApiKeyRow.id)
    )
    return [
        KeyShown(row.prefix, row.scopes, row.mode, row.created_at, row.last_used_at, row.revoked_at) for row in rows
    ]
