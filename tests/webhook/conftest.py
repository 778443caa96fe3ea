"""A door without a worker, shared by the tests of a module: what arrives stays in the inbox to be counted."""

from collections.abc import AsyncIterator

import pytest
from tests.house import House
from tests.journeys.stage import own_house
from tests.stack import Services


@pytest.fixture(scope="module")
async def door(services: Services, redis_url: str) -> AsyncIterator[House]:
    async with own_house(services, redis_url, worker=False) as house:
        yield house
