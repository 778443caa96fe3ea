"""Reading and writing where a conversation stands."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.conversation import state as states
from govchat.conversation.models import ConversationRow


async def load(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> states.State:
    """The citizen's state; a fresh one when there is none or it can't be read any more."""
    stored = await session.scalar(
        select(ConversationRow.state).where(
            ConversationRow.tenant_id == tenant_id, ConversationRow.citizen_id == citizen_id
        )
    )
    return states.load(stored)


async def save(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, state: states.State, now: datetime) -> None:
    """Store the state."""
    made = insert(ConversationRow).values(
        tenant_id=tenant_id, citizen_id=citizen_id, state=states.dump(state), updated_at=now
    )
    await session.execute(
        made.on_conflict_do_update(
            index_elements=["tenant_id", "citizen_id"], set_={"state": made.excluded.state, "updated_at": now}
        )
    )
