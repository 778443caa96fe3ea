"""Row-level security: the policy every tenant table carries, and the check that it is really there.

The migrations call `protect`; every process calls `verify` before it serves, and refuses to start on what it finds.
"""

from sqlalchemy import Connection, text
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


ROLE = text(
    """
    SELECT current_user AS name, r.rolsuper OR r.rolbypassrls AS bypasses,
           EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'S', 'v', 'm')
                     AND pg_has_role(current_user, c.relowner, 'MEMBER')) AS owns
    FROM pg_roles r WHERE r.rolname = current_user
    """
)

TABLES = text(
    """
    SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
           (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies,
           p.polcmd = '*' AND p.polpermissive AND p.polroles = '{0}'::oid[] AS for_all,
           pg_get_expr(p.polqual, c.oid) AS using_, pg_get_expr(p.polwithcheck, c.oid) AS check_,
           (SELECT bool_and(i.indkey[0] = a.attnum) FROM pg_index i
             WHERE i.indrelid = c.oid) AS keys_lead
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    LEFT JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = :policy
    WHERE c.relkind IN ('r', 'p')
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
    for table in tables:
        if not (table.enabled and table.forced):
            wrong.append(f'table "{table.name}": row-level security is not enabled and forced')
        if table.policies != 1 or not table.for_all or {table.using_, table.check_} != {STORED_PREDICATE}:
            wrong.append(f'table "{table.name}": its policies are not exactly {POLICY}')
        if table.keys_lead is False:
            wrong.append(f'table "{table.name}": an index or key does not start with tenant_id')
    return wrong


async def verify(engine: AsyncEngine) -> None:
    """Raise `ConfigurationError` unless the role and every policy are as they must be."""
    async with engine.connect() as connection:
        wrong = await connection.run_sync(findings)
    if wrong:
        raise ConfigurationError("the database does not keep provinces apart: " + "; ".join(wrong))
