"""The two roles: the owner migrates, the application role owns nothing and can't bypass row-level security.

Statements for migrations, and `prepare` for an operator's empty server, where an administrator's URL is at hand.
"""

import secrets

from sqlalchemy import make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine

OWNER_ROLE = "govchat_owner"
APP_ROLE = "govchat_app"


def ensure(role: str) -> str:
    """Create `role` where it is missing; a server that doesn't allow it says what its administrator must run."""
    return f"""
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE "{role}" NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
      END IF;
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE EXCEPTION 'role "{role}" is missing: run CREATE ROLE "{role}" LOGIN NOSUPERUSER NOBYPASSRLS as an administrator';
    END $$
    """


def grant(table: str, rights: str, role: str) -> str:
    """Give `role` these rights on `table`."""
    return f'GRANT {rights} ON {table} TO "{role}"'


async def prepare(admin_url: str) -> tuple[str, str] | None:
    """On a development server reached as a superuser: make both roles own and use that database.

    Returns (application URL, owner URL), or None when the URL's role is no superuser. Passwords are made anew each time.
    """
    url = make_url(admin_url)
    engine = create_async_engine(url.set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT")
    made: dict[str, URL] = {}
    try:
        async with engine.connect() as connection:
            superuser = await connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
            if not superuser:
                return None
            for role in (OWNER_ROLE, APP_ROLE):
                password = secrets.token_urlsafe(24)
                await connection.execute(text(ensure(role)))
                await connection.execute(text(f"ALTER ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{password}'"))
                made[role] = url.set(username=role, password=password)
            await connection.execute(text(f'ALTER DATABASE "{url.database}" OWNER TO {OWNER_ROLE}'))
            await connection.execute(text(f"ALTER SCHEMA public OWNER TO {OWNER_ROLE}"))
    finally:
        await engine.dispose()
    return tuple(made[role].render_as_string(hide_password=False) for role in (APP_ROLE, OWNER_ROLE))  # type: ignore[return-value]
