"""What the stories of campaigns share: followers, drafts through the API, a fan-out and a sender that move when they are told to."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from tests.house import House
from tests.journeys.stage import rows, said

from govchat.access import keys
from govchat.campaigns.fanout import Fanout
from govchat.citizens import consent
from govchat.citizens.know import know, note_follow
from govchat.kit import clock
from govchat.local.followers import sow, tell_simulator
from govchat.sender.drain import Drainer
from govchat.tenants import testers
from govchat.tenants.credentials import Credentials
from govchat.tenants.registry import Tenant
from govchat.zalo.client import ZaloClient


@dataclass
class Stage:
    """The house with its bulk side in the test's hands."""

    house: House
    zalo: ZaloClient
    credentials: Credentials
    drainer: Drainer
    looked: list[UUID] = field(default_factory=list)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)

    def tenant(self, slug: str) -> Tenant:
        return self.house.registry.by_slug(slug)

    def fanout(self, *, page: int = 5000) -> Fanout:
        return Fanout(self.house.registry, self.credentials, self.zalo, look=self.looked.append, page=page)

    async def key(self, slug: str, person: str) -> str:
        """The key of one of two persons, made once."""
        if (slug, person) not in self.keys:
            self.keys[slug, person] = await self.house.key(slug)
        return self.keys[slug, person]

    async def call(
        self, slug: str, method: str, path: str, *, key: str = "", body: Any = None, **more: Any
    ) -> tuple[int, Any]:
        """Ask `/v1/campaigns…` with a key of the province: that of the one who approves, unless another is given."""
        headers = {"Authorization": f"Bearer {key or await self.key(slug, 'approver')}"}
        if body is not None:
            more["json"] = body
        async with self.house.http.request(
            method, f"{self.house.url}/v1/campaigns{path}", headers=headers, **more
        ) as answer:
            return answer.status, await answer.json()

    async def draft(self, slug: str, *, kind: str = "announcement", key: str = "", **changes: Any) -> dict[str, Any]:
        body = {
            "name": "Thông báo",
            "class": kind,
            "message": {"text": "Lịch tiếp công dân tháng 12."},
            "audience": {"all_followers": True},
            **changes,
        }
        status, told = await self.call(slug, "POST", "", key=key or await self.key(slug, "drafter"), body=body)
        assert status == 201, told
        assert (told["state"], told["counts"]["total"]) == ("draft", 0)
        return dict(told)

    async def released(self, slug: str, **changes: Any) -> UUID:
        """A campaign that a second key approved."""
        made = await self.draft(slug, **changes)
        status, told = await self.call(slug, "POST", f"/{made['id']}/approve")
        assert status == 200, told
        return UUID(made["id"])

    async def shown(self, slug: str, campaign_id: UUID) -> dict[str, Any]:
        status, told = await self.call(slug, "GET", f"/{campaign_id}")
        assert status == 200, told
        return dict(told)

    async def counts(self, slug: str, campaign_id: UUID) -> dict[str, int]:
        """The counts, compared with the very rows they stand for."""
        told = (await self.shown(slug, campaign_id))["counts"]
        found = await rows(
            self.house, self.tenant(slug),
            "SELECT state, count(*) AS n FROM outbox_messages WHERE tenant_id = :tenant AND body_ref = :id GROUP BY state",
            id=campaign_id,
        )  # fmt: skip
        real = {row.state: row.n for row in found}
        for state in ("queued", "sending", "sent", "uncertain", "failed", "skipped"):
            assert told[state] == real.get(state, 0), (told, real)
        assert told["total"] == sum(real.values())
        return dict(told)

    async def followers(self, slug: str, count: int) -> Tenant:
        """So many synthetic followers, known to the simulator."""
        tenant = self.tenant(slug)
        await sow(self.house.registry.db, tenant.id, slug, count, clock.now())
        assert (await tell_simulator(self.house.settings.zalo_openapi_url, tenant.oa_id, count)).known
        return tenant

    async def alone(self, slug: str, count: int) -> Tenant:
        """So many followers and nobody else, as if nothing had ever been sent in this province."""
        tenant = self.tenant(slug)
        for sql in (
            "UPDATE citizens SET follows = false WHERE tenant_id = :tenant",
            "UPDATE campaigns SET state = 'cancelled', swept = true WHERE tenant_id = :tenant AND state NOT IN ('done', 'cancelled')",
            "UPDATE outbox_bodies SET is_open = false WHERE tenant_id = :tenant",
        ):
            await self.run(slug, sql)
        for table in (
            "consents",
            "promotion_days",
            "notice_budgets",
            "notice_settings",
            "campaign_settings",
            "tenant_testers",
        ):
            await self.run(slug, f"DELETE FROM {table} WHERE tenant_id = :tenant")
        world = self.house.zalo.world
        world.people[tenant.oa_id].clear()
        world.seeded[tenant.oa_id].clear()
        return await self.followers(slug, count)

    async def citizen(self, slug: str, user: str, *, follows: bool = True) -> UUID:
        """Somebody of one's own, who has just interacted."""
        tenant = self.tenant(slug)
        async with self.house.registry.db.tenant(tenant.id) as session:
            known = await know(session, tenant.id, user, by_app=None, interacted_at=clock.now())
            await note_follow(session, tenant.id, known.id, follows=follows, at=clock.now())
            return known.id

    async def says(self, slug: str, user: str, *, granted: bool) -> None:
        """They agree to broadcasts, or opt out of them."""
        tenant = self.tenant(slug)
        citizen = await self.citizen(slug, user)
        async with self.house.registry.db.tenant(tenant.id) as session:
            act = consent.give if granted else consent.withdraw
            await act(session, tenant.id, citizen, "broadcast", how="chat", at=clock.now())

    async def test_key(self, slug: str) -> str:
        """A key whose acts never reach Zalo."""
        tenant = self.tenant(slug)
        async with self.house.registry.db.tenant(tenant.id) as session:
            made = await keys.create(
                session, tenant_id=tenant.id, slug=slug, tag=tenant.key_tag, scopes=keys.SCOPES, test=True
            )
        return made.key

    async def state_of(self, slug: str, state: str) -> None:
        """Put the province into a state; every process hears of it."""
        tenant = self.tenant(slug)
        async with self.house.registry.db.registry() as session:
            await session.execute(
                text("UPDATE tenants SET state = :state, updated_at = clock_timestamp() WHERE id = :id"),
                {"state": state, "id": tenant.id},
            )
        await self.house.registry.load()

    async def tester(self, slug: str, user: str) -> None:
        tenant = self.tenant(slug)
        async with self.house.registry.db.tenant(tenant.id) as session:
            await testers.add(session, tenant.id, user, actor="test:one")

    async def run(self, slug: str, sql: str, **values: Any) -> list[Any]:
        """A statement inside the province."""
        return await rows(self.house, self.tenant(slug), sql, **values)

    async def send(self, slug: str) -> None:
        """Send everything that may be sent now, to the end."""
        tenant = self.tenant(slug)
        before = None
        while (now := await self._fate(tenant)) != before:
            before = now
            for _ in range(2):  # the first look may only have fetched a token
                self.drainer.look(tenant.id)
                await self._idle()

    async def _idle(self) -> None:
        drainer, rounds = self.drainer, self.drainer._rounds
        await asyncio.sleep(0)
        while rounds._asked or rounds._running or rounds._timer is not None or drainer._tasks or self._soon():  # noqa: ASYNC110
            await asyncio.sleep(0.002)

    def _soon(self) -> bool:
        """Whether the sender looks again in a moment by itself: it had no token, as after somebody emptied Redis."""
        now = asyncio.get_running_loop().time()
        return any(timer.when() < now + 1.5 for timer in self.drainer._resting.values())

    async def _fate(self, tenant: Tenant) -> list[Any]:
        async with self.house.registry.db.tenant(tenant.id) as session:
            found = await session.execute(
                text(
                    "SELECT state, count(*) FROM outbox_messages WHERE tenant_id = :tenant GROUP BY state ORDER BY state"
                ),
                {"tenant": tenant.id},
            )
            return [tuple(row) for row in found]

    async def through(self, slug: str, campaign_id: UUID, *, page: int = 5000) -> dict[str, Any]:
        """Fan out and send until the campaign moves no more."""
        fanout, tenant = self.fanout(page=page), self.tenant(slug)
        for turn in range(20):
            with clock.shifted(timedelta(seconds=2 * turn)):  # what waits for a moment comes due
                await fanout.move([tenant.id])  # the other provinces have their own stories
                await self.send(slug)
                await fanout.move([tenant.id])
            told = await self.shown(slug, campaign_id)
            if told["state"] == "done":
                break
        await self.counts(slug, campaign_id)
        return await self.shown(slug, campaign_id)

    def heard(self, slug: str, user: str) -> list[str]:
        """What a citizen has been told."""
        return said(self.house, slug, user)
