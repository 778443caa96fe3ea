"""A house whose worker a test starts itself: what arrives before lies in the inbox."""

from collections.abc import AsyncIterator

import pytest
from tests.house import House
from tests.journeys.stage import own_house
from tests.stack import Services


@pytest.fixture(scope="module")
async def post_office(services: Services, redis_url: str) -> AsyncIterator[House]:
    async with own_house(services, redis_url, worker=False) as house:
        yield house


@pytest.fixture
async def office(post_office: House) -> AsyncIterator[House]:
    """The same house, its worker stopped after each test."""
    yield post_office
    await post_office.stop_worker()
