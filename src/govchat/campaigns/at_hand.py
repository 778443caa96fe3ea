"""What campaigns need now, over many provinces in one call."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from govchat.campaigns import finish
from govchat.db.session import Database
from govchat.kit import clock

AT_HAND = "SELECT * FROM campaigns_at_hand($1, $2, $3, $4)"
# So many tallies of a province are worth folding; fewer wait for more as long as the campaign goes on.
MANY = 64


class Campaign(msgspec.Struct, frozen=True):
    """One that is under way. `waits` while somebody is to be told, is being told, or is in a doubt that may end; `refreshed_at` is None
    before it has a body."""

    id: UUID
    state: str
    expanded: bool
    way: str | None
    waits: bool
    refreshed_at: datetime | None


class AtHand(msgspec.Struct, frozen=True):
    """A province's campaigns that are under way, emergencies first; whether there are counts to fold and pictures to hand over."""

    counts: bool
    pictures: bool
    campaigns: list[Campaign]

    @property
    def moves(self) -> bool:
        """Whether there is more to do than to wait until everybody has been told."""
        running = (one.state == "running" and one.expanded and one.waits for one in self.campaigns)
        return self.counts or self.pictures or not all(running)


async def at_hand(db: Database, tenant_ids: Sequence[UUID]) -> dict[UUID, AtHand]:
    """Of those provinces, the ones that have anything."""
    found: dict[UUID, AtHand] = {}
    for tenant, counts, pictures, *campaign in await db.rows(AT_HAND, tenant_ids, clock.now(), MANY, finish.PATIENCE):
        mine = found.setdefault(tenant, AtHand(counts, pictures, []))
        if campaign[0] is not None:
            mine.campaigns.append(Campaign(*campaign))
    return found


def stale(found: dict[UUID, AtHand], after: timedelta, most: int) -> set[UUID]:
    """Campaigns whose bodies were last made true longer ago than that, at most so many, the oldest first."""
    edge = clock.now() - after
    old = [
        (campaign.refreshed_at, campaign.id)
        for one in found.values()
        for campaign in one.campaigns
        if campaign.state == "running" and campaign.refreshed_at is not None and campaign.refreshed_at < edge
    ]
    return {campaign for _, campaign in sorted(old)[:most]}
