"""Databases of a test's own, cloned from the migrated template, and how each role reaches them."""

import secrets
from dataclasses import dataclass

import asyncpg
import msgspec
from sqlalchemy import make_url
from tests.stack import Services

from govchat.db.roles import OWNER_ROLE
from govchat.settings import Settings

# As tests/conftest.py has them.
PASSWORD = "for-tests-on-loopback"
TEMPLATE_LOCK = 61


@dataclass(frozen=True)
class Clone:
    """One database: as the application role, as the owner, as the superuser."""

    settings: Settings
    admin_url: str

    @property
    def app_url(self) -> str:
        return self.settings.database_url

    @property
    def owner_url(self) -> str:
        return self.settings.migration_database_url

    async def as_admin(self, *statements: str) -> None:
        """Run statements as the superuser."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


def located(url: str, database: str) -> str:
    """The same role and server, another database."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def as_role(url: str, role: str) -> str:
    """The same server, database and password, another role."""
    return make_url(url).set(username=role).render_as_string(hide_password=False)


async def clone(services: Services, settings: Settings) -> Clone:
    """A fresh database; `settings` (the session's) shows that the template has been made."""
    name = f"govchat_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(services.postgres_url)
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE govchat_template OWNER {OWNER_ROLE}")
    finally:
        await admin.close()
    own = msgspec.structs.replace(
        settings,
        database_url=located(settings.database_url, name),
        migration_database_url=located(settings.migration_database_url, name),
    )
    return Clone(own, located(services.postgres_url, name))
