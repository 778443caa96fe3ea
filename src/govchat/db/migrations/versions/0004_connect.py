"""Connecting with Zalo: consents, watched webhooks, verification files, moves between apps, destroyed keys.

Revision 0004. New columns are nullable or have a default, so the code that is still running goes on.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.rls import protect
from govchat.db.roles import grant

revision = "0004"
down_revision = "0009"
branch_labels = None
depends_on = None

TENANT_TABLES = ("oa_consents", "webhook_watches", "webhook_hours")

# Whoever changes the app of a province, its app before stays known: what Zalo still delivers there must not be lost.
KEEP_FORMER_APP = """
CREATE FUNCTION keep_former_app() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  IF NEW.app_id IS DISTINCT FROM OLD.app_id THEN
    NEW.former_app_id := OLD.app_id;
    NEW.former_app_until := clock_timestamp() + interval '90 days';
  END IF;
  RETURN NEW;
END $$
"""

# Tokens of before this revision were granted to the app that the province has now.
GRANTED_TO = """
DO $$
DECLARE
  bound record;
BEGIN
  FOR bound IN SELECT id, app_id FROM tenants LOOP
    PERFORM set_config('govchat.tenant_id', bound.id::text, true);
    UPDATE oa_credentials SET app_id = bound.app_id WHERE tenant_id = bound.id;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""


def _time(name: str, *, default: str | None = None, nullable: bool = True) -> sa.Column[object]:
    server_default = sa.text(default) if default else None
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), server_default=server_default, nullable=nullable)


def _of_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f(f"fk_{table}_tenant_id_tenants"))


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.add_column("zalo_apps", sa.Column("pkce_verifier_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("tenants", sa.Column("former_app_id", sa.Text(), nullable=True))
    op.add_column("tenants", _time("former_app_until"))
    op.create_foreign_key(
        op.f("fk_tenants_former_app_id_zalo_apps"), "tenants", "zalo_apps", ["former_app_id"], ["app_id"]
    )
    op.add_column("tenant_keys", _time("destroyed_at"))
    op.add_column("oa_credentials", sa.Column("app_id", sa.Text(), nullable=True))
    op.create_table(
        "oa_consents",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("oa_id", sa.Text(), nullable=False),
        sa.Column("admin", sa.Text(), nullable=False),
        sa.Column("verifier_sealed", sa.LargeBinary(), nullable=True),
        _time("created_at", default="now()", nullable=False),
        _time("expires_at", nullable=False),
        _time("used_at"),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("told", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome IN ('connected', 'refused')", name=op.f("ck_oa_consents_outcome")),
        _of_tenant("oa_consents"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_oa_consents")),
    )
    op.create_table(
        "webhook_watches",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("counted_to", sa.Uuid(), nullable=True),
        _time("compared_to"),
        _time("next_look_at", default="now()", nullable=False),
        _time("last_event_at"),
        _time("silent_since"),
        sa.Column("missed", sa.Integer(), server_default="0", nullable=False),
        _of_tenant("webhook_watches"),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_webhook_watches")),
    )
    op.create_table(
        "webhook_hours",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        _time("hour", nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        _of_tenant("webhook_hours"),
        sa.PrimaryKeyConstraint("tenant_id", "hour", "signature", name=op.f("pk_webhook_hours")),
    )
    op.create_table(
        "zalo_verifiers",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        _time("added_at", default="now()", nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_zalo_verifiers")),
    )
    op.execute(GRANTED_TO)
    op.execute(KEEP_FORMER_APP)
    op.execute(
        "CREATE TRIGGER keep_former_app BEFORE UPDATE OF app_id ON tenants "
        "FOR EACH ROW EXECUTE FUNCTION keep_former_app()"
    )
    app_role = op.get_context().config.attributes["app_role"]
    for table in TENANT_TABLES:
        for statement in protect(table):
            op.execute(statement)
        op.execute(grant(table, "SELECT, INSERT, UPDATE, DELETE", app_role))
    op.execute(grant("zalo_verifiers", "SELECT, INSERT, UPDATE, DELETE", app_role))
    # Rotating the master keys seals these bodies anew.
    op.execute(grant("unrouted_events", "UPDATE (body_sealed)", app_role))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    app_role = op.get_context().config.attributes["app_role"]
    op.execute(f'REVOKE UPDATE (body_sealed) ON unrouted_events FROM "{app_role}"')
    op.execute("DROP TRIGGER keep_former_app ON tenants")
    op.execute("DROP FUNCTION keep_former_app")
    for table in ("zalo_verifiers", *reversed(TENANT_TABLES)):
        op.execute(f"DROP TABLE {table}")
    op.drop_column("oa_credentials", "app_id")
    op.drop_column("tenant_keys", "destroyed_at")
    op.drop_constraint(op.f("fk_tenants_former_app_id_zalo_apps"), "tenants")
    op.drop_column("tenants", "former_app_until")
    op.drop_column("tenants", "former_app_id")
    op.drop_column("zalo_apps", "pkce_verifier_sealed")
