"""Knowing a citizen: the row is made when they first turn up, and keeps follow state and last interaction."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.models import CitizenRow
from govchat.kit.ids import new_id


class Citizen(msgspec.Struct, frozen=True):
    """A citizen as one Official Account knows them."""

    id: UUID
    zalo_user_id: str
    phone_index: bytes | None


KNOW = text(
    """
    INSERT INTO citizens AS c (tenant_id, id, zalo_user_id, user_id_by_app, last_interaction_at)
    VALUES (:tenant, :id, :user_id, :by_app, CAST(:at AS timestamptz))
    ON CONFLICT (tenant_id, zalo_user_id) DO UPDATE
    SET user_id_by_app = coalesce(excluded.user_id_by_app, c.user_id_by_app),
        last_interaction_at = greatest(c.last_interaction_at, excluded.last_interaction_at)
    RETURNING id, phone_index
    """
)


async def know(
    session: AsyncSession, tenant_id: UUID, zalo_user_id: str, *, by_app: str | None, interacted_at: datetime | None
) -> Citizen:
    """The citizen with this Zalo id, made if new; `interacted_at` moves the last interaction forward, never back."""
    found = await session.execute(
        KNOW, {"tenant": tenant_id, "id": new_id(), "user_id": zalo_user_id, "by_app": by_app, "at": interacted_at}
    )
    row = found.one()
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
