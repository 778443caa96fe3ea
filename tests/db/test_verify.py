"""A process refuses to start on a database that does not keep provinces apart, and names what is wrong."""

import re
import secrets
from collections.abc import AsyncIterator

import pytest
from tests.db.clones import PASSWORD, Clone, as_role, clone
from tests.stack import Services

from govchat.app import create_app
from govchat.db import rls
from govchat.db.session import Database
from govchat.errors import ConfigurationError
from govchat.settings import Settings


@pytest.fixture
async def own(services: Services, settings: Settings) -> Clone:
    """A database that only this test alters."""
    return await clone(services, settings)


@pytest.fixture
async def spare_role(own: Clone) -> AsyncIterator[str]:
    """A role that can log in with the tests' password, dropped at the end."""
    role = f"spare_{secrets.token_hex(4)}"
    await own.as_admin(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'", f"GRANT govchat_app TO {role}")
    yield role
    await own.as_admin(f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")


async def refusal(url: str) -> str:
    """What `verify` says, empty when it is content."""
    database = Database.connect(url, part="test", pool_size=1)
    try:
        await rls.verify(database.engine)
    except ConfigurationError as error:
        return str(error)
    finally:
        await database.close()
    return ""


async def test_a_migrated_database_is_accepted(settings: Settings) -> None:
    assert await refusal(settings.database_url) == ""


async def test_a_plain_role_with_the_application_roles_rights_is_accepted(own: Clone, spare_role: str) -> None:
    assert await refusal(as_role(own.app_url, spare_role)) == ""


async def test_a_superuser_is_refused(services: Services, own: Clone) -> None:
    told = await refusal(own.admin_url)
    assert 'role "postgres" is a superuser or bypasses row-level security' in told


async def test_the_owner_is_refused(own: Clone) -> None:
    assert 'role "govchat_owner" owns tables' in await refusal(own.owner_url)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("ALTER ROLE {role} BYPASSRLS", 'role "{role}" is a superuser or bypasses'),
        ("GRANT govchat_owner TO {role}", 'role "{role}" owns tables or is a member of their owner'),
        ("GRANT postgres TO {role}", 'role "{role}" is a superuser or bypasses'),
        ("ALTER TABLE lookup_failures OWNER TO {role}", 'role "{role}" owns tables'),
    ],
    ids=["bypassrls", "member of the owner", "member of a superuser", "owner of one table"],
)
async def test_a_role_that_could_step_past_the_policies_is_refused(
    own: Clone, spare_role: str, statement: str, told: str
) -> None:
    await own.as_admin(statement.format(role=spare_role))
    assert told.format(role=spare_role) in await refusal(as_role(own.app_url, spare_role))


MINE = "tenant_id = nullif(current_setting('govchat.tenant_id', true), '')::uuid"


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["DROP POLICY tenant_isolation ON citizens"], 'the policy "tenant_isolation" is missing'),
        (
            [
                "DROP POLICY tenant_isolation ON citizens",
                f"CREATE POLICY anything ON citizens USING ({MINE}) WITH CHECK ({MINE})",
            ],
            'the policy "tenant_isolation" is missing',
        ),
        (["ALTER POLICY tenant_isolation ON citizens USING (true)"], "USING true"),
        (["ALTER POLICY tenant_isolation ON citizens WITH CHECK (true)"], "WITH CHECK true"),
        (
            [f"ALTER POLICY tenant_isolation ON citizens USING ({MINE} OR follows)"],
            'the policy "tenant_isolation" does not say what it must',
        ),
        (
            [
                "DROP POLICY tenant_isolation ON citizens",
                f"CREATE POLICY tenant_isolation ON citizens USING ({MINE})",
            ],
            "WITH CHECK None",
        ),
        (
            [
                "DROP POLICY tenant_isolation ON citizens",
                f"CREATE POLICY tenant_isolation ON citizens FOR SELECT USING ({MINE})",
            ],
            'the policy "tenant_isolation" does not say what it must',
        ),
        (
            ["ALTER POLICY tenant_isolation ON citizens TO govchat_app"],
            'the policy "tenant_isolation" does not say what it must',
        ),
        (
            ["CREATE POLICY for_reports ON citizens FOR SELECT USING (true)"],
            'the policy "for_reports" stands beside "tenant_isolation"',
        ),
        (["ALTER TABLE citizens DISABLE ROW LEVEL SECURITY"], "row-level security is not enabled"),
        (["ALTER TABLE citizens NO FORCE ROW LEVEL SECURITY"], "row-level security is not forced"),
        (["CREATE INDEX by_phone ON citizens (phone_index)"], '"by_phone" does not start with tenant_id'),
        (["CREATE UNIQUE INDEX only_one ON citizens (zalo_user_id, tenant_id)"], '"only_one" does not start'),
        (
            ["CREATE INDEX shouting ON citizens (upper(zalo_user_id))"],
            '"shouting" does not start with tenant_id',
        ),
    ],
    ids=[
        "no policy", "another name", "using true", "check true", "using or", "no check", "for select only", "not for all roles",
        "second policy", "disabled", "not forced", "index", "unique index", "index on an expression",
    ],
)  # fmt: skip
async def test_a_table_that_is_not_kept_apart_is_refused_by_name(own: Clone, statements: list[str], told: str) -> None:
    await own.as_admin(*statements)
    refused = await refusal(own.app_url)
    assert told in refused
    assert set(re.findall(r'table "(\w+)"', refused)) == {"citizens"}, "the other tables are as they must be"


async def test_a_new_table_without_a_policy_is_refused(own: Clone) -> None:
    await own.as_admin("CREATE TABLE newcomers (tenant_id uuid PRIMARY KEY)")
    assert 'table "newcomers": row-level security is not enabled' in await refusal(own.app_url)


async def test_a_foreign_key_that_could_point_at_another_provinces_row_is_refused(own: Clone) -> None:
    await own.as_admin(
        "ALTER TABLE citizens ADD CONSTRAINT lone_id EXCLUDE USING btree (tenant_id WITH =, id WITH =)",
        "CREATE TABLE pets (tenant_id uuid, citizen_tenant uuid, citizen_id uuid, PRIMARY KEY (tenant_id, citizen_id))",
        *rls.protect("pets"),
        "ALTER TABLE pets ADD CONSTRAINT anybodys FOREIGN KEY (citizen_tenant, citizen_id) REFERENCES citizens (tenant_id, id)",
    )
    refused = await refusal(own.app_url)
    assert 'table "pets": the index or key "anybodys" does not start with tenant_id' in refused


async def test_a_database_that_was_never_migrated_says_what_to_run(own: Clone) -> None:
    await own.as_admin(
        "DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO govchat_app"
    )
    assert "run `govchat migrate` first" in await refusal(own.app_url)


async def test_every_fault_is_told_at_once(own: Clone) -> None:
    await own.as_admin("ALTER TABLE citizens NO FORCE ROW LEVEL SECURITY", "DROP POLICY tenant_isolation ON dossiers")
    refused = await refusal(own.owner_url)
    for told in ('role "govchat_owner"', 'table "citizens": ', 'table "dossiers": '):
        assert told in refused


async def test_the_api_does_not_start_on_such_a_database(own: Clone) -> None:
    await own.as_admin("ALTER TABLE dossiers DISABLE ROW LEVEL SECURITY")
    app = create_app(own.settings)
    refusal_of_start = pytest.RaisesExc(ConfigurationError, match='table "dossiers"')
    with pytest.RaisesGroup(refusal_of_start, allow_unwrapped=True, flatten_subgroups=True):
        async with app.lifespan():
            pass
