"""How a province asks: on three levels or five, and whom."""

from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.ratings.models import RatingSettingsRow

INVITE = ("consented", "followers", "nobody")


class RatingSettingsInvalid(DomainError):
    """Settings that can't be."""

    status = 422
    code = "rating_settings_invalid"
    title = "Ratings can't be set like that"


class RatingSettings(msgspec.Struct, frozen=True):
    """`invite`: only who consented to surveys, all followers who did not object, or nobody."""

    levels: int = 3
    invite: str = "consented"


async def settings_of(session: AsyncSession, tenant_id: UUID) -> RatingSettings:
    """What the province settled, else the product's."""
    own = await session.get(RatingSettingsRow, tenant_id)
    return RatingSettings(own.levels, own.invite) if own else RatingSettings()


async def settle(
    session: AsyncSession, tenant_id: UUID, *, levels: int | None = None, invite: str | None = None, actor: str
) -> RatingSettings:
    """Change what is given; ratings that were asked for keep their scale. Raises `RatingSettingsInvalid`."""
    if levels not in (None, 3, 5):
        raise RatingSettingsInvalid(f"levels {levels}: expected 3 or 5")
    if invite is not None and invite not in INVITE:
        raise RatingSettingsInvalid(f'invite "{invite}": expected one of {", ".join(INVITE)}')
    before = await settings_of(session, tenant_id)
    after = RatingSettings(levels or before.levels, invite or before.invite)
    values = {"levels": after.levels, "invite": after.invite, "updated_at": clock.now()}
    made = insert(RatingSettingsRow).values(tenant_id=tenant_id, **values)
    await session.execute(made.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    await note(session, tenant_id, actor=actor, act="rating.settings", subject="ratings", before=before, after=after)
    return after
