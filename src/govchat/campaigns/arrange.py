"""What a province settles about its campaigns: when expansion waits for sending, and who may approve emergencies."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.campaigns.models import CampaignSettingsRow

# A campaign of a million is planned in one go; beyond that, rows that nobody can say for hours would only fill the table.
MOST_UNSENT = 1_000_000


class Settled(msgspec.Struct, frozen=True):
    """`most_unsent`: expansion waits above it. `emergency_by`: actors who may approve emergencies, empty: every approver."""

    most_unsent: int = MOST_UNSENT
    emergency_by: list[str] = []


async def settings_of(session: AsyncSession, tenant_id: UUID) -> Settled:
    """As the province settled it, else the product's."""
    row = await session.get(CampaignSettingsRow, tenant_id, populate_existing=True)
    return Settled() if row is None else Settled(row.most_unsent, row.emergency_by)


async def settle(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    most_unsent: int | None = None,
    emergency_by: Sequence[str] | None = None,
    actor: str,
) -> Settled:
    """Change what is given."""
    before = await settings_of(session, tenant_id)
    after = Settled(
        before.most_unsent if most_unsent is None else most_unsent,
        before.emergency_by if emergency_by is None else sorted(set(emergency_by)),
    )
    values = msgspec.structs.asdict(after)
    made = insert(CampaignSettingsRow).values(tenant_id=tenant_id, **values)
    await session.execute(made.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    await note(session, tenant_id, actor=actor, act="campaign.settled", subject="campaigns", before=before, after=after)
    return after
