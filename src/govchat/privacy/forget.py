"""Forgetting the very words of a message at once: a denunciation typed into the chat, a picture of an identity card."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# What no body opens to: the event itself stays, so that a repeated delivery is known.
FORGET = text("UPDATE inbox_events SET body_sealed = '' WHERE tenant_id = :tenant AND id = ANY(:ids) RETURNING id")


async def forget_words(session: AsyncSession, tenant_id: UUID, event_ids: Sequence[UUID]) -> int:
    """Remove the bodies of these inbox events; answers how many. In the transaction that works them off and marks them done."""
    if not event_ids:
        return 0
    gone = await session.execute(FORGET, {"tenant": tenant_id, "ids": list(event_ids)})
    return len(gone.all())
