"""Revoking an API key: it is refused from the next request on, and stays in the list."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.access.keys import TAG_LENGTH
from govchat.access.models import ApiKeyRow
from govchat.errors import DomainError
from govchat.kit import clock

PREFIX_LENGTH = len("gvc_live_") + TAG_LENGTH + 4


class KeyNotFound(DomainError):
    """No key with that prefix in this tenant."""

    status = 404
    code = "key_not_found"
    title = "No such key"


async def revoke(session: AsyncSession, tenant_id: UUID, prefix: str) -> bool:
    """Revoke what begins with `prefix` (a whole key is cut to it); False when that was done before. Raises `KeyNotFound`."""
    prefix = prefix.strip().rstrip("…")[:PREFIX_LENGTH]
    named = (ApiKeyRow.tenant_id == tenant_id) & (ApiKeyRow.prefix == prefix)
    done = await session.execute(
        update(ApiKeyRow)
        .where(named, ApiKeyRow.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(ApiKeyRow.id)
    )
    if done.first() is not None:
        return True
    if await session.scalar(select(ApiKeyRow.id).where(named).limit(1)) is None:
        raise KeyNotFound(f'no key begins with "{prefix}": `govchat key list` shows the prefixes of the tenant\'s keys')
    return False
