"""Knowing a citizen: the row is made when they first turn up, and keeps follow state and last interaction."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.models import CitizenRow
from govchat.kit.ids import new_id


class Citizen(msgspec.Struct, frozen=True):
    """A citizen as one Official Account knows them."""

    id: UUID
    zalo_user_id: str
    phone_index: bytes | None


async def know(
    session: AsyncSession, tenant_id: UUID, zalo_user_id: str, *, by_app: str | None, interacted_at: datetime | None
) -> Citizen:
    """The citizen with this Zalo id, made if new; `interacted_at` moves the last interaction forward, never back."""
    made = insert(CitizenRow).values(
        tenant_id=tenant_id,
        id=new_id(),
        zalo_user_id=zalo_user_id,
        user_id_by_app=by_app,
        last_interaction_at=interacted_at,
    )
    statement = made.on_conflict_do_update(
        index_elements=["tenant_id", "zalo_user_id"],
        set_={
            "user_id_by_app": func.coalesce(made.excluded.user_id_by_app, CitizenRow.user_id_by_app),
            "last_interaction_at": func.greatest(CitizenRow.last_interaction_at, made.excluded.last_interaction_at),
        },
    ).returning(CitizenRow.id, CitizenRow.phone_index)
    row = (await session.execute(statement)).one()
    return Citizen(row.id, zalo_user_id, row.phone_index)


async def note_follow(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, *, follows: bool, at: datetime) -> None:
    """They follow or no longer follow; an event older than what is known changes nothing."""
    await session.execute(
        update(CitizenRow)
        .where(
            CitizenRow.tenant_id == tenant_id,
            CitizenRow.id == citizen_id,
            func.coalesce(CitizenRow.follow_changed_at, at) <= at,
        )
        .values(follows=follows, follow_changed_at=at)
    )


async def note_phone(
    session: AsyncSession, tenant_id: UUID, citizen_id: UUID, phone_index: bytes, at: datetime
) -> None:
    """They shared a phone number through Zalo's form; only its keyed hash is kept."""
    await session.execute(
        update(CitizenRow)
        .where(CitizenRow.tenant_id == tenant_id, CitizenRow.id == citizen_id)
        .values(phone_index=phone_index, phone_shared_at=at)
    )


async def zalo_id_of(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> str | None:
    """The id by which Zalo knows this citizen."""
    return await session.scalar(
        select(CitizenRow.zalo_user_id).where(CitizenRow.tenant_id == tenant_id, CitizenRow.id == citizen_id)
    )
