"""Running the migrations: `govchat migrate`, `govchat up` and the tests all come here.

Migrations run as the owner role; each sets its own lock and statement time-outs and grants to the application role.
"""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, pool
from sqlalchemy.ext.asyncio import create_async_engine

from govchat.errors import ConfigurationError

FOLDER = Path(__file__).parent / "migrations"
APP_ROLE = "govchat_app"
# Two `govchat migrate` at once wait for each other on this advisory lock.
LOCK_KEY = 7_305_220_268


def config(app_role: str = APP_ROLE) -> Config:
    """Alembic's configuration, without a file."""
    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    made.attributes["app_role"] = app_role
    return made


def upgrade(migration_database_url: str, app_role: str = APP_ROLE) -> None:
    """Bring the database to the newest revision and grant its tables to `app_role`. Not to be called from a running event loop."""
    asyncio.run(upgrade_async(migration_database_url, app_role))


async def upgrade_async(migration_database_url: str, app_role: str = APP_ROLE) -> None:
    """`upgrade` for callers that already run an event loop."""
    if not migration_database_url:
        raise ConfigurationError("GOVCHAT_MIGRATION_DATABASE_URL is not set: migrations need the owner role's URL")
    engine = create_async_engine(
        make_url(migration_database_url).set(drivername="postgresql+asyncpg"), poolclass=pool.NullPool
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade, app_role)
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, app_role: str) -> None:
    made = config(app_role)
    made.attributes["connection"] = connection
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK_KEY})")
    try:
        connection.commit()
        command.upgrade(made, "head")
        connection.commit()
    finally:
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCK_KEY})")


def newest() -> str:
    """The newest revision this code knows."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    assert head is not None
    return head


def revision_of(connection: Connection) -> str | None:
    """The revision the database is at, None when it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()
