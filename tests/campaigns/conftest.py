"""A house per file, without workers: fan-out and sending are driven by the tests, step by step, a province a test."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from tests.campaigns.stage import Stage
from tests.journeys.stage import own_house
from tests.stack import Services

from govchat.kit import clock
from govchat.kit.buckets import Buckets
from govchat.kit.queue import connect
from govchat.sender.drain import BULK, Drainer
from govchat.tenants.credentials import Credentials
from govchat.zalo.client import ZaloClient


@pytest.fixture(scope="module")
async def stage(services: Services, redis_url: str) -> AsyncIterator[Stage]:
    async with own_house(services, redis_url, worker=False) as house:
        redis = connect(house.settings.redis_url)
        async with ZaloClient.open(
            openapi_url=house.settings.zalo_openapi_url,
            oauth_url=house.settings.zalo_oauth_url,
            business_url=house.settings.zalo_business_url,
        ) as zalo:
            credentials = Credentials(house.registry, zalo.http, house.settings.zalo_oauth_url)
            drainer = Drainer(house.registry, credentials, zalo, Buckets(redis), BULK)
            yield Stage(house, zalo, credentials, drainer)
            await drainer.finish()
            await credentials.finish()
        await redis.aclose()


@pytest.fixture(autouse=True)
def _by_day() -> Iterator[None]:
    """It is the next ten in the morning in Vietnam: no hours of rest in the way, and PostgreSQL's own clock never ahead."""
    local = clock.now().astimezone(clock.VN)
    with clock.shifted((local.replace(hour=10, minute=0, second=0, microsecond=0) - local) % timedelta(days=1)):
        yield
