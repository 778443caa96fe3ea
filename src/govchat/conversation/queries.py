"""Reading and writing where a conversation stands."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.conversation import state as states

LOAD = text("SELECT state FROM conversations WHERE tenant_id = :tenant AND citizen_id = :citizen").columns(state=JSONB)

SAVE = text(
    """
    INSERT INTO conversations (tenant_id, citizen_id, state, updated_at)
    VALUES (:tenant, :citizen, CAST(:state AS jsonb), :now)
    ON CONFLICT (tenant_id, citizen_id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at
    """
)


async def load(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> states.State:
    """The citizen's state; a fresh one when there is none or it can't be read any more."""
    stored = await session.scalar(LOAD, {"tenant": tenant_id, "citizen": citizen_id})
    return states.load(stored)


async def save(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, state: states.State, now: datetime) -> None:
    """Store the state."""
    built = msgspec.json.encode(states.dump(state)).decode()
    await session.execute(SAVE, {"tenant": tenant_id, "citizen": citizen_id, "state": built, "now": now})
