"""After how long a silence the bot answers again, as a province settles it; and who waits for a person."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.errors import DomainError
from govchat.handoff.models import HandoffRow, HandoffSettingsRow
from govchat.kit import clock

DEFAULT_MINUTES = 30
MOST_SHOWN = 200


class SilenceInvalid(DomainError):
    """No time that a bot could keep still for."""

    status = 422
    code = "handoff_silence_invalid"
    title = "That is no time to keep still for"


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A hand-off that is open; `officer_at` null: nobody has answered yet."""

    id: UUID
    opened_at: datetime
    asked_at: datetime | None
    officer_at: datetime | None


async def minutes_of(session: AsyncSession, tenant_id: UUID) -> int:
    """Minutes of an officer's silence after which the bot answers again."""
    own = await session.get(HandoffSettingsRow, tenant_id)
    return own.silent_minutes if own else DEFAULT_MINUTES


async def settle(session: AsyncSession, tenant_id: UUID, minutes: int, *, actor: str) -> None:
    """Set it, for what officers write from now on; raises `SilenceInvalid`."""
    if not 1 <= minutes <= 1440:
        raise SilenceInvalid(f"{minutes} minutes: expected 1 to 1440 (a day)")
    values = {"silent_minutes": minutes, "updated_at": clock.now()}
    made = insert(HandoffSettingsRow).values(tenant_id=tenant_id, **values)
    await session.execute(made.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    await note(session, tenant_id, actor=actor, act="handoff.silence", subject="handoff", after={"minutes": minutes})


async def open_ones(session: AsyncSession, tenant_id: UUID) -> list[Waiting]:
    """Open hand-offs, those that wait for a first answer before the others, longest first; at most 200."""
    row = HandoffRow
    found = await session.scalars(
        select(row)
        .where(row.tenant_id == tenant_id, row.ended_at.is_(None))
        .order_by(row.officer_at.is_not(None), row.opened_at, row.id)
        .limit(MOST_SHOWN)
    )
    return [
        Waiting(id=one.id, opened_at=one.opened_at, asked_at=one.asked_at, officer_at=one.officer_at) for one in found
    ]
