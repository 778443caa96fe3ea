"""Row-level security: the policy every tenant table carries, and the check that it is really there.

The migrations call `protect`; every process calls `verify` before it serves, and refuses to start on what it finds.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from govchat.errors import ConfigurationError

POLICY = "tenant_isolation"
PREDICATE = "tenant_id = nullif(current_setting('govchat.tenant_id', true), '')::uuid"

# pg_get_expr's spelling of PREDICATE, in PostgreSQL 15 to 18.
STORED_PREDICATE = "(tenant_id = (NULLIF(current_setting('govchat.tenant_id'::text, true), ''::text))::uuid)"


def protect(table: str) -> list[str]:
    """The statements that put `table` behind the tenant policy, for its owner too."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {POLICY} ON {table} FOR ALL TO PUBLIC USING ({PREDICATE}) WITH CHECK ({PREDICATE})",
    ]


# Belonging to a role is being able to become it.
ROLE = text(
    """
    SELECT current_user AS name,
           EXISTS (SELECT FROM pg_roles r WHERE (r.rolsuper OR r.rolbypassrls)
                     AND pg_has_role(current_user, r.oid, 'MEMBER')) AS bypasses,
           EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'S', 'v', 'm')
                     AND pg_has_role(current_user, c.relowner, 'MEMBER')) AS owns
    """
)

# `astray`: indexes and foreign keys that don't start with the tenant. A foreign key is checked past row-level security, so that one
# without the tenant would let a row point at another province's.
TABLES = text(
    """
    WITH tenant_table AS (
      SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, a.attnum
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
      WHERE c.relkind IN ('r', 'p')
    )
    SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
           ARRAY(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY 1) AS policies,
           p.polcmd = '*' AND p.polpermissive AND p.polroles = '{0}'::oid[] AS for_all,
           pg_get_expr(p.polqual, c.oid) AS using_, pg_get_expr(p.polwithcheck, c.oid) AS check_,
           ARRAY(SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                 WHERE i.indrelid = c.oid AND i.indkey[0] <> c.attnum
                 UNION ALL
                 SELECT k.conname::text FROM pg_constraint k JOIN tenant_table target ON target.oid = k.confrelid
                 WHERE k.conrelid = c.oid AND k.contype = 'f'
                   AND (k.conkey[1] <> c.attnum OR k.confkey[1] <> target.attnum)
                 ORDER BY 1) AS astray
    FROM tenant_table c
    LEFT JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = :policy
    ORDER BY c.relname
    """
)


def findings(connection: Connection) -> list[str]:
    """What is wrong with the role and the policies, one sentence each; empty when provinces are kept apart."""
    wrong: list[str] = []
    role = connection.execute(ROLE).one()
    if role.bypasses:
        wrong.append(f'role "{role.name}" is a superuser or bypasses row-level security: use a plain application role')
    if role.owns:
        wrong.append(f'role "{role.name}" owns tables or is a member of their owner: connect as the application role')
    tables = connection.execute(TABLES, {"policy": POLICY}).all()
    if not tables:
        wrong.append("there are no tenant tables: run `govchat migrate` first")
    return wrong + [f'table "{table.name}": {what}' for table in tables for what in _of_table(table)]


def _of_table(table: Row[Any]) -> Iterator[str]:
    if not table.enabled:
        yield "row-level security is not enabled"
    if not table.forced:
        yield "row-level security is not forced on its owner"
    if POLICY not in table.policies:
        yield f'the policy "{POLICY}" is missing'
    elif not table.for_all or {table.using_, table.check_} != {STORED_PREDICATE}:
        yield f'the policy "{POLICY}" does not say what it must, it was changed: USING {table.using_} WITH CHECK {table.check_}'
    for other in table.policies:
        if other != POLICY:
            yield f'the policy "{other}" stands beside "{POLICY}" and may open what that closes: drop it'
    for key in table.astray:
        yield f'the index or key "{key}" does not start with tenant_id'


async def verify(engine: AsyncEngine) -> None:
    """Raise `ConfigurationError` unless the role and every policy are as they must be."""
    async with engine.connect() as connection:
        wrong = await connection.run_sync(findings)
    if wrong:
        raise ConfigurationError("the database does not keep provinces apart: " + "; ".join(wrong))
