"""A province on a database of its own: erasing and sweeping look at everything."""

from collections.abc import AsyncIterator

import pytest
from tests.db.clones import clone
from tests.notices.stage import Stage
from tests.stack import Services

from govchat.db.session import Database
from govchat.settings import Settings
from govchat.tenants.registry import Registry


@pytest.fixture(scope="module")
async def own(services: Services, settings: Settings) -> Settings:
    return (await clone(services, settings)).settings


@pytest.fixture(scope="module")
async def registry(own: Settings) -> AsyncIterator[Registry]:
    db = Database.connect(own.database_url, part="test", pool_size=6)
    made = Registry(db, own)
    await made.load()
    yield made
    await db.close()


@pytest.fixture
async def stage(registry: Registry) -> Stage:
    return await Stage.open(registry, "lam-dong")
