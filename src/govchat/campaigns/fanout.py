"""The fan-out: moves every province's campaigns on, a little of each in turn, for as long as the process lives.

Begins what is approved and due, expands what runs while the outbox has room, ends what is done or cancelled, folds counts. Any number of
processes may do it: a page is taken under the campaign's row lock, and whoever finds it taken goes on to the next.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from govchat.campaigns import arrange, at_hand, begin, broadcast, expand, finish, pictures, queries
from govchat.campaigns.at_hand import AtHand
from govchat.campaigns.message import ROOM, body_of, fields_of
from govchat.kit.phrases import overlaid
from govchat.kit.turns import Turns
from govchat.outbox import tally
from govchat.outbox.put import echo_hash
from govchat.tenants.credentials import Credentials
from govchat.tenants.phrases import own_phrases
from govchat.tenants.registry import Registry, Tenant
from govchat.zalo.client import ZaloClient

log = structlog.get_logger()

# Pages of one campaign before the next campaign's turn.
PAGES_A_TURN = 4
# While citizens write, pages are smaller, and after each of them PostgreSQL is left to those who wait for answers, so many times as long as
# the page took. What is planned is far ahead of what Zalo takes: 2,000 a minute.
PAGE_BESIDE, REST_BESIDE = 1000, 3.0
# A page is not cut to less than this part of itself.
CRUMBS = 10
# How often a process looks: when something has just moved, doubling for as long as what is under way needs nothing, and while nothing is.
BUSY_S, IDLE_S = 0.5, 2.5
# With more tenants than `kit.turns.FEW`, a campaign in one where nothing stirred begins within this, and its end is seen within it.
ALL_S = 20.0
# What moves stirs anew at every look: one that was moved a moment ago and only waits now is seen with the others.
STIRRED_S = 2 * IDLE_S
# A running campaign's hours, prices and picture are looked at again this often, by one process after the other, and so many in a round:
# with more campaigns than that the oldest look comes first.
REFRESH, REFRESHED_AT_ONCE = timedelta(seconds=30), 5

Permit = Callable[[Tenant], Awaitable[bool]]
Waiting = Callable[[], Awaitable[bool]]


async def _always(_: Tenant) -> bool:
    return True


async def _nobody() -> bool:
    return False


class Fanout:
    """`look` is told of tenants that have something to send; `permit` takes a token of the tenant's limits before Zalo is called; `waiting`
    says whether citizens wait for answers, anywhere."""

    def __init__(
        self,
        registry: Registry,
        credentials: Credentials,
        zalo: ZaloClient,
        *,
        look: Callable[[UUID], None],
        permit: Permit = _always,
        waiting: Waiting = _nobody,
        page: int = expand.PAGE,
    ) -> None:
        self.registry = registry
        self.db = registry.db
        self.credentials = credentials
        self.zalo = zalo
        self.look = look
        self.permit = permit
        self.waiting = waiting
        self.page = page
        self.turns = Turns(every_s=ALL_S, stirred_s=STIRRED_S)
        self._echoes: dict[UUID, bytes] = {}

    async def run_for_ever(self) -> None:
        """One round after the other; PostgreSQL may be away, then it looks again later."""
        pause_s = BUSY_S
        while True:
            try:
                moved, busy = await self.round()
            except Exception as error:  # whatever it was, campaigns are rows: the next round finds them
                log.warning("campaigns.round_failed", error=type(error).__name__)
                moved, busy = False, False
            if moved:
                pause_s = BUSY_S
            await asyncio.sleep(0 if moved else pause_s if busy else IDLE_S)
            if not moved:
                pause_s = min(2 * pause_s, IDLE_S)

    async def round(self) -> tuple[bool, bool]:
        """Move campaigns on by a turn; answers whether a page was put and whether anything is under way."""
        return await self.move(self.turns.next(self.registry.now.tenants))

    async def move(self, tenant_ids: Sequence[UUID]) -> tuple[bool, bool]:
        """`round` for these provinces."""
        found = await at_hand.at_hand(self.db, tenant_ids)
        # Where all that was planned waits to be said, there is nothing to do but to look for the end now and then.
        self.turns.stir(*(tenant for tenant, one in found.items() if one.moves))
        await tally.fold(self.db, [tenant for tenant, one in found.items() if one.counts])
        stale = at_hand.stale(found, REFRESH, REFRESHED_AT_ONCE)
        moved = False
        for tenant_id, one in found.items():
            tenant = await self.registry.by_id(tenant_id)
            try:
                moved = await self._turn(tenant, one, stale) or moved
            except Exception as error:  # one province's trouble is not the others'
                log.warning("campaigns.turn_failed", tenant=tenant.slug, error=type(error).__name__, exc_info=error)
        return moved, bool(found)

    async def _turn(self, tenant: Tenant, found: AtHand, stale: Collection[UUID]) -> bool:
        if found.pictures:
            async with self.db.tenant(tenant.id) as session:
                wanted = await pictures.waiting(session, tenant.id)
            for picture_id in wanted:
                await self._hand_over(tenant, picture_id)
        moved = False
        for campaign in found.campaigns:
            expanded = campaign.expanded
            if campaign.way == "broadcast":
                await broadcast.look_after(await self._hands(tenant), tenant, campaign.id)
            if campaign.state in ("approved", "scheduled"):
                if await self._begin(tenant, campaign.id) != "personal":
                    continue
                expanded = False  # it has only begun
            if campaign.state == "cancelled":
                moved = await self._sweep(tenant, campaign.id) or moved
                continue
            if campaign.id in stale:
                await self._refresh(tenant, campaign.id)
            if not expanded:
                moved = await self._expand(tenant, campaign.id) or moved
            elif not campaign.waits:
                await self._finish(tenant, campaign.id)
        return moved

    async def _hand_over(self, tenant: Tenant, picture_id: UUID) -> str | None:
        if not tenant.speaks or not await self.permit(tenant):
            return None
        vault = await self.registry.tenant_vault(tenant.id)
        return await pictures.hand_over(self.db, self.credentials, self.zalo, tenant, vault, picture_id)

    async def _hands(self, tenant: Tenant) -> broadcast.Hands:
        vault = await self.registry.tenant_vault(tenant.id)
        insecure = not self.registry.settings.is_production
        return broadcast.Hands(self.db, self.credentials, self.zalo, vault, self.permit, insecure)

    async def _begin(self, tenant: Tenant, campaign_id: UUID) -> str | None:
        """Open it for claims (`personal`), or have Zalo broadcast it (`broadcast`); None when it waits."""
        by_zalo = await broadcast.move(await self._hands(tenant), tenant, campaign_id)
        if by_zalo is not None:
            return "broadcast" if by_zalo else None
        vault = await self.registry.tenant_vault(tenant.id)
        picture = await begin.picture_of(self.db, vault, tenant, campaign_id)
        attachment_id = await self._hand_over(tenant, picture) if picture is not None else None
        async with self.db.tenant(tenant.id) as session:
            begun = await begin.begin(
                session, vault, tenant, campaign_id, attachment_id=attachment_id,
                allow_insecure=not self.registry.settings.is_production,
            )  # fmt: skip
        if begun:
            log.info("campaigns.begun", tenant=tenant.slug, campaign=str(campaign_id))
        return "personal" if begun else None

    async def _refresh(self, tenant: Tenant, campaign_id: UUID) -> None:
        """Hours, prices, words and picture as they are now, unless another process has just looked."""
        picture = await self._make_true(tenant, campaign_id, after=REFRESH)
        attachment_id = await self._hand_over(tenant, picture) if picture is not None else None
        if attachment_id is not None:
            await self._make_true(tenant, campaign_id, after=timedelta(0), attachment_id=attachment_id)

    async def _make_true(
        self, tenant: Tenant, campaign_id: UUID, *, after: timedelta, attachment_id: str | None = None
    ) -> UUID | None:
        vault = await self.registry.tenant_vault(tenant.id)
        async with self.db.tenant(tenant.id) as session:
            return await begin.refresh(
                session, vault, tenant, campaign_id, after=after, attachment_id=attachment_id,
                allow_insecure=not self.registry.settings.is_production,
            )  # fmt: skip

    async def _expand(self, tenant: Tenant, campaign_id: UUID) -> bool:
        """Some pages, as long as the outbox has room; answers whether any was put."""
        echo = await self._echo(tenant, campaign_id)
        moved = False
        for _ in range(PAGES_A_TURN):
            beside = await self.waiting()
            size = min(self.page, PAGE_BESIDE) if beside else self.page
            began = time.monotonic()
            async with self.db.tenant(tenant.id) as session:
                settled = await arrange.settings_of(session, tenant.id)
                left = settled.most_unsent - await expand.unsent(session, tenant.id, settled.most_unsent)
                if left < 0:
                    return moved
                # As many as the threshold leaves, but no crumbs: they cost as much as pages.
                size = min(size, max(left + 1, size // CRUMBS))
                page = await expand.expand(session, tenant, campaign_id, echo=echo, size=size)
            if page is None:
                return moved
            moved = True
            if page.put:
                self.look(tenant.id)
            if page.last:
                return moved
            if beside:
                await asyncio.sleep(REST_BESIDE * (time.monotonic() - began))
        return moved

    async def _echo(self, tenant: Tenant, campaign_id: UUID) -> bytes:
        """What recognises Zalo's echo of the text; nothing does when it reads differently for everybody."""
        if campaign_id not in self._echoes:
            vault = await self.registry.tenant_vault(tenant.id)
            async with self.db.tenant(tenant.id) as session:
                row = await queries.row_of(session, tenant.id, campaign_id)
                own = await own_phrases(session, tenant.id, ROOM)
            message = queries.message_of(vault, row)
            with overlaid(own):
                body = body_of(message, row.class_, attachment_id="any", allow_insecure=True)  # type: ignore[arg-type]
            plain = body.cs.plain_text if body.cs is not None and not fields_of(message) else ""
            self._echoes[campaign_id] = echo_hash(vault, plain) if plain else b""
        return self._echoes[campaign_id]

    async def _sweep(self, tenant: Tenant, campaign_id: UUID) -> bool:
        async with self.db.tenant(tenant.id) as session:
            return await finish.sweep(session, tenant.id, campaign_id)

    async def _finish(self, tenant: Tenant, campaign_id: UUID) -> None:
        async with self.db.tenant(tenant.id) as session:
            if not await finish.finish(session, tenant.id, campaign_id):
                return
        self._echoes.pop(campaign_id, None)
        log.info("campaigns.done", tenant=tenant.slug, campaign=str(campaign_id))
