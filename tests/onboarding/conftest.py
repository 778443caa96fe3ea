"""A house of a file's own, in production, in which provinces go from draft to live."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import structlog
from sqlalchemy import select
from tests.cli.conftest import Said, run
from tests.conftest import plain
from tests.house import House, open_house
from tests.journeys.stage import own
from tests.stack import Services

from govchat.connect.rotate import APP_COLUMNS
from govchat.db.session import Database
from govchat.kit.crypto import Vault
from govchat.settings import Settings
from govchat.tenants.models import TenantKeyRow, TenantRecord, ZaloAppRow
from govchat.tenants.registry import secret_context

Cli = Callable[..., Awaitable[Said]]


@pytest.fixture(scope="module")
async def home(services: Services, redis_url: str) -> AsyncIterator[House]:
    before = structlog.get_config()
    # The worker of this process must not write into what a command prints.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    async with open_house(await in_production(await own(services, redis_url))) as house:
        yield house
    structlog.configure(**before)


async def in_production(settings: Settings) -> Settings:
    """These settings in production, and what stands under the master keys sealed as production does: it opens in one environment only."""
    settings = plain(settings, env="production")
    here, there = Vault(settings.master_keys, "development"), Vault(settings.master_keys, "production")
    db = Database.connect(settings.database_url, part="test", pool_size=1)
    async with db.registry() as session:
        for app in await session.scalars(select(ZaloAppRow)):
            for column in APP_COLUMNS:
                if sealed := getattr(app, f"{column}_sealed"):
                    place = secret_context(app.app_id, column)
                    setattr(app, f"{column}_sealed", there.seal(here.open(sealed, place), place))
        tenant_ids = list(await session.scalars(select(TenantRecord.id)))
    for tenant_id in tenant_ids:
        async with db.tenant(tenant_id) as session:
            row = await session.get_one(TenantKeyRow, tenant_id)
            place = f"tenant_keys.wrapped_key/{tenant_id}"
            row.wrapped_key = there.seal(here.open(row.wrapped_key, place), place)
    await db.close()
    return settings


@pytest.fixture
def cli(home: House) -> Cli:
    """`await cli("tenant", "status", "hue")`; in production, what people must confirm is red."""

    async def call(*words: str, **changes: str) -> Said:
        given = {
            "GOVCHAT_ENV": "production",
            "GOVCHAT_ZALO_OAUTH_URL": home.settings.zalo_oauth_url,
            "GOVCHAT_ZALO_BUSINESS_URL": home.settings.zalo_business_url,
            "GOVCHAT_PUBLIC_URL": "https://zalo.example.gov.vn",
        }
        return await run(home.settings, *words, **{**given, **changes})

    return call


async def put(home: House, slug: str, state: str) -> None:
    """Start a test in this state."""
    async with home.registry.db.registry() as session:
        (await session.get_one(TenantRecord, home.registry.by_slug(slug).id)).state = state
