"""Two roles: the owner migrates; the application role owns nothing, changes no table and can't become anybody else."""

import secrets

import asyncpg
import pytest
from sqlalchemy import make_url
from tests.db.clones import Clone, clone, located
from tests.stack import Services

from govchat.db import rls, roles
from govchat.db.migrate import upgrade_async
from govchat.db.session import Database
from govchat.db.tables import metadata
from govchat.settings import Settings

DENIED = asyncpg.InsufficientPrivilegeError


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.mine (id int)",
        "ALTER TABLE citizens ADD COLUMN extra text",
        "ALTER TABLE citizens DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE citizens NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant_isolation ON citizens",
        "CREATE POLICY mine ON citizens USING (true)",
        "DROP TABLE citizens CASCADE",
        "TRUNCATE citizens CASCADE",
        "CREATE INDEX mine ON citizens (phone_index)",
        "CREATE OR REPLACE FUNCTION tenants_with_work(stale_after interval) RETURNS void LANGUAGE sql AS ''",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "DROP SCHEMA public CASCADE",
        "SET ROLE govchat_owner",
        "SET SESSION AUTHORIZATION govchat_owner",
        "GRANT govchat_owner TO govchat_app",
        "ALTER ROLE govchat_app BYPASSRLS",
        "CREATE ROLE another",
        "DELETE FROM tenants",
        "DELETE FROM zalo_apps",
        "UPDATE unrouted_events SET event_name = ''",
        "DELETE FROM unrouted_events",
        "UPDATE alembic_version SET version_num = '0000'",
        "UPDATE dossier_events SET status = 9",
        "DELETE FROM dossier_events",
    ],
)
async def test_the_application_role_may_not(settings: Settings, statement: str) -> None:
    connection = await asyncpg.connect(settings.database_url)
    try:
        with pytest.raises(DENIED):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_turning_row_security_off_makes_queries_fail_instead_of_showing_everything(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url)
    try:
        await connection.execute("SET row_security = off")
        with pytest.raises(DENIED, match="row-level security"):
            await connection.fetch("SELECT * FROM citizens")
    finally:
        await connection.close()


async def test_no_table_gives_the_application_role_a_right_that_passes_by_the_policies(settings: Settings) -> None:
    """TRUNCATE ignores policies, REFERENCES and TRIGGER let rows be probed or caught."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        held = [
            f"{right} on {table.name}"
            for table in metadata().sorted_tables
            for right in ("TRUNCATE", "REFERENCES", "TRIGGER")
            if await connection.fetchval("SELECT has_table_privilege($1, $2)", table.name, right)
        ]
    finally:
        await connection.close()
    assert held == []


async def test_no_function_or_view_of_ours_runs_with_its_owners_rights(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url)
    try:
        functions = await connection.fetch(
            "SELECT proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prosecdef"
            " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
        )
        views = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
            " AND NOT coalesce(reloptions @> '{security_invoker=true}', false)"
        )
    finally:
        await connection.close()
    assert [row[0] for row in functions] == [], "SECURITY DEFINER passes by the caller's policies"
    assert [row[0] for row in views] == [], "views need WITH (security_invoker = true)"


@pytest.fixture
async def own(services: Services, settings: Settings) -> Clone:
    """A database that only this test alters."""
    return await clone(services, settings)


async def test_the_migrating_owner_is_bound_by_the_policies_too(own: Clone) -> None:
    connection = await asyncpg.connect(own.owner_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM tenant_keys") == 0
    finally:
        await connection.close()
    admin = await asyncpg.connect(own.admin_url)
    assert await admin.fetchval("SELECT count(*) FROM tenant_keys") == 34
    await admin.close()


async def test_ensuring_a_role_makes_it_once_and_without_powers(own: Clone) -> None:
    role = f"ensured_{secrets.token_hex(4)}"
    try:
        await own.as_admin(roles.ensure(role), roles.ensure(role))
        admin = await asyncpg.connect(own.admin_url)
        powers = await admin.fetchrow(
            "SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolcanlogin FROM pg_roles WHERE rolname = $1",
            role,
        )
        await admin.close()
        assert powers is not None
        assert powers[0] is False
    finally:
        await own.as_admin(f"DROP ROLE IF EXISTS {role}")


async def test_a_missing_role_names_what_an_administrator_must_run(own: Clone) -> None:
    owner = await asyncpg.connect(own.owner_url)
    try:
        with pytest.raises(asyncpg.RaiseError, match='CREATE ROLE "nobody_yet" LOGIN NOSUPERUSER NOBYPASSRLS'):
            await owner.execute(roles.ensure("nobody_yet"))
    finally:
        await owner.close()


async def test_an_empty_server_is_prepared_migrated_and_accepted(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under role names of its own: the tests' own roles keep their passwords."""
    mark = secrets.token_hex(4)
    owner, app = f"owner_{mark}", f"app_{mark}"
    monkeypatch.setattr(roles, "OWNER_ROLE", owner)
    monkeypatch.setattr(roles, "APP_ROLE", app)
    admin = await asyncpg.connect(services.postgres_url)
    try:
        await admin.execute(f"CREATE DATABASE prepared_{mark}")
        # A role left over from an experiment loses its powers.
        await admin.execute(f"CREATE ROLE {app} BYPASSRLS")
        prepared = await roles.prepare(located(services.postgres_url, f"prepared_{mark}"))
        assert prepared is not None
        app_url, owner_url = prepared
        assert (make_url(app_url).username, make_url(owner_url).username) == (app, owner)
        await upgrade_async(owner_url, app)
        database = Database.connect(app_url, part="test", pool_size=1)
        try:
            await rls.verify(database.engine)
        finally:
            await database.close()
        assert await roles.prepare(app_url) is None, "only a superuser's URL is prepared; another is used as it is"
    finally:
        await admin.execute(f"DROP DATABASE prepared_{mark} WITH (FORCE)")
        await admin.execute(f"DROP ROLE IF EXISTS {owner}, {app}")
        await admin.close()
