"""Fixtures of the whole suite: real PostgreSQL and Valkey, a migrated template database cloned where a test needs its own.

Tests connect as the application role, over committed transactions: what row-level security hides stays hidden here too.
"""

import asyncio
import fcntl
import gc
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url
from tests.house import House, open_house
from tests.stack import Services, start_services

from govchat.db.migrate import upgrade_async
from govchat.db.roles import APP_ROLE, OWNER_ROLE
from govchat.db.session import Database
from govchat.settings import Settings
from govchat.tenants.apply import apply_all
from govchat.tenants.manifest import read_all
from govchat.tenants.registry import Registry

ROOT = Path(__file__).parent.parent
TENANTS = ROOT / "tenants"
PASSWORD = "for-tests-on-loopback"
TEMPLATE_LOCK = 61
# A slow machine is no failure: nothing is timed, neither an example nor how long making one takes.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# What takes longest, longest first: a long file that begins last would end alone.
LONG = (
    "tests/local/test_up.py",
    "tests/journeys/test_onboarding.py",
    "tests/journeys/test_killed.py",
    "tests/journeys/test_notices.py",
    "tests/simulator/test_phone_page.py",
    "tests/access/test_routes.py",
    "tests/rehearsal/test_rehearse.py",
)

# Where bytecode may not be written, every worker and every process that a test starts would compile the whole house again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure(config: pytest.Config) -> None:
    """A file runs whole in one worker, so that what its tests share is opened once; files are taken in our order."""
    if getattr(config.option, "dist", "no") != "no":
        config.option.dist, config.option.loadscopereorder = "loadfile", False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long first."""

    def rank(item: pytest.Item) -> int:
        file = item.path.relative_to(ROOT).as_posix()
        return LONG.index(file) if file in LONG else len(LONG)

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """What was loaded stays: looking through it again and again for garbage took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_unconfigure() -> None:
    """Libraries that count what they leak at the end find it gone."""
    gc.unfreeze()


@pytest.fixture(scope="module")
def only_rehearsal(services: Services) -> Iterator[None]:
    """No other file rehearses on this run's server meanwhile: what one leaves behind would be taken for the other's."""
    place = Path(tempfile.gettempdir()) / f"govchat-rehearsing-{make_url(services.postgres_url).port}"
    with place.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def services() -> Services:
    """The servers of this run."""
    return start_services()


@pytest.fixture(scope="session")
def redis_url(services: Services) -> str:
    """Valkey, in a database of this test worker's own."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return f"{services.valkey_url.rpartition('/')[0]}/{number + 1}"


def url_of(services: Services, role: str, database: str) -> str:
    """How `role` reaches `database`."""
    url = make_url(services.postgres_url).set(username=role, password=PASSWORD, database=database)
    return url.render_as_string(hide_password=False)


async def _template(services: Services) -> str:
    """The name of the template: roles made, migrated by Alembic, every manifest applied; made by whoever comes first."""
    name = "govchat_template"
    admin = await asyncpg.connect(services.postgres_url)
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
        if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return name
        for role in (OWNER_ROLE, APP_ROLE):
            await admin.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{PASSWORD}'")
        await admin.execute(f"CREATE DATABASE {name}_new OWNER {OWNER_ROLE}")
        await upgrade_async(url_of(services, OWNER_ROLE, f"{name}_new"))
        settings = Settings(database_url=url_of(services, APP_ROLE, f"{name}_new"), master_keys=("for-tests",))
        db = Database.connect(settings.database_url, part="template", pool_size=2)
        book = read_all(TENANTS)
        assert not book.findings
        await apply_all(db, Registry(db, settings).vault, settings, book.manifests)
        await db.close()
        await admin.execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
        return name
    finally:
        await admin.close()


async def _clone(services: Services) -> str:
    template = await _template(services)
    name = f"govchat_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(services.postgres_url)
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER_ROLE}")
    finally:
        await admin.close()
    return name


def _settings(services: Services, redis_url: str, database: str) -> Settings:
    return Settings(
        database_url=url_of(services, APP_ROLE, database),
        migration_database_url=url_of(services, OWNER_ROLE, database),
        redis_url=redis_url,
        master_keys=("for-tests",),
        tenants_dir=TENANTS,
    )


@pytest.fixture(scope="session")
def settings(services: Services, redis_url: str) -> Settings:
    """Settings on this test worker's database: 34 tenants, shared by its tests, so use citizens and codes of your own."""
    return _settings(services, redis_url, asyncio.run(_clone(services)))


@pytest.fixture
async def own_settings(services: Services, redis_url: str) -> AsyncIterator[Settings]:
    """Settings on a database that only this test uses."""
    name = await _clone(services)
    yield _settings(services, redis_url, name)
    admin = await asyncpg.connect(services.postgres_url)
    try:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture
async def db(settings: Settings) -> AsyncIterator[Database]:
    """The worker's database as the application role."""
    database = Database.connect(settings.database_url, part="test", pool_size=8)
    yield database
    await database.close()


@pytest.fixture
async def registry(db: Database, settings: Settings) -> Registry:
    """The registry, loaded."""
    made = Registry(db, settings)
    await made.load()
    return made


@pytest.fixture
async def house(own_settings: Settings) -> AsyncIterator[House]:
    """API, worker and simulator in this process, over real HTTP, on a database of their own."""
    async with open_house(own_settings) as opened:
        yield opened


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """A developer's own GOVCHAT_* never reaches a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GOVCHAT_") and "TEST" not in name]:
            patch.delenv(name)
        yield


def plain(settings: Settings, **changes: object) -> Settings:
    """`settings` with some fields changed."""
    return msgspec.structs.replace(settings, **changes)
