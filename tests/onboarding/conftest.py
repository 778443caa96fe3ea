"""A house of the package's own in which provinces go from draft to live."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import structlog
from tests.cli.conftest import Said, run
from tests.house import House
from tests.journeys.stage import own_house
from tests.stack import Services

from govchat.tenants.models import TenantRecord

Cli = Callable[..., Awaitable[Said]]


@pytest.fixture(scope="package")
async def home(services: Services, redis_url: str) -> AsyncIterator[House]:
    before = structlog.get_config()
    # The worker of this process must not write into what a command prints.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    async with own_house(services, redis_url) as house:
        yield house
    structlog.configure(**before)


@pytest.fixture
def cli(home: House) -> Cli:
    """`await cli("tenant", "status", "hue")`; production, so that what people must confirm is red."""

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
