"""The API and the false Zalo without a worker; `keep` is called by hand, so that the tests say when a round takes place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from tests.house import House, open_house
from tests.journeys.stage import own
from tests.stack import Services

from govchat.connect.backfill import Hands
from govchat.kit.buckets import Buckets
from govchat.kit.queue import Bell
from govchat.settings import Settings
from govchat.simulator.world import World
from govchat.tenants.credentials import Credentials
from govchat.tenants.registry import Tenant
from govchat.zalo.client import ZaloClient


@dataclass
class Ground:
    """A house and the hands of a keeper in it."""

    house: House
    hands: Hands

    @property
    def world(self) -> World:
        return self.house.zalo.world

    def tenant(self, slug: str) -> Tenant:
        return self.hands.registry.by_slug(slug)

    def refreshes(self, slug: str) -> int:
        return self.world.stats.rotations[self.tenant(slug).oa_id]

    async def ask(self, slug: str, query: str, **values: Any) -> list[Any]:
        """Rows of one tenant."""
        tenant = self.tenant(slug)
        async with self.hands.registry.db.tenant(tenant.id) as session:
            result = await session.execute(text(query), {"tenant": tenant.id, "oa": tenant.oa_id, **values})
            return list(result.all()) if result.returns_rows else []

    async def credential(self, slug: str) -> Any:
        return (await self.ask(slug, "SELECT * FROM oa_credentials WHERE oa_id = :oa"))[0]

    def fresh_credentials(self) -> Credentials:
        """As another process has them."""
        return Credentials(self.hands.registry, self.hands.zalo.http, self.house.zalo.url)

    async def works(self, token: str, slug: str) -> bool:
        return (await self.hands.zalo.get_oa(token)).oa_id == self.tenant(slug).oa_id


@asynccontextmanager
async def open_ground(settings: Settings) -> AsyncIterator[Ground]:
    """On databases of its own."""
    async with open_house(settings, worker=False) as house, Redis.from_url(settings.redis_url) as redis:
        url = house.zalo.url
        async with ZaloClient.open(openapi_url=url, oauth_url=url, business_url=url) as zalo:
            credentials = Credentials(house.registry, zalo.http, url)
            bell = Bell(settings.redis_url)
            yield Ground(house, Hands(house.registry, credentials, zalo, Buckets(redis), bell))
            await bell.close()


@pytest.fixture(scope="module")
async def ground(services: Services, redis_url: str) -> AsyncIterator[Ground]:
    """Shared by the tests of a module: use a province of your own."""
    async with open_ground(await own(services, redis_url)) as opened:
        yield opened
