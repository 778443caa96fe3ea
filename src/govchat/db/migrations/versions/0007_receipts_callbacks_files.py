"""Receipts, callbacks, files: tokens on receipts, the addresses that hear from us and what they hear, what is kept of files.

Revision 0007.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.rls import protect
from govchat.db.roles import grant

revision = "0007"
down_revision = "0002"
branch_labels = None
depends_on = None

TENANT_TABLES = ("receipt_tokens", "callback_endpoints", "callback_deliveries", "stored_files")

# Which addresses have something due, or a delivery whose process died: index probes, tenant by tenant, as the caller.
CALLBACKS_DUE = """
CREATE FUNCTION callbacks_due(at timestamptz)
RETURNS TABLE (tenant uuid, endpoint uuid)
LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  FOR tenant IN SELECT id FROM tenants LOOP
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
    FOR endpoint IN
      SELECT e.id FROM callback_endpoints e
      WHERE e.tenant_id = tenant AND e.state = 'enabled' AND (e.rest_until IS NULL OR e.rest_until <= at)
        AND EXISTS (
          SELECT FROM callback_deliveries d
          WHERE d.tenant_id = tenant AND d.endpoint_id = e.id
            AND (d.state = 'queued' AND d.due_at <= at OR d.state = 'sending' AND d.claimed_at < at - interval '90 seconds'))
    LOOP
      RETURN NEXT;
    END LOOP;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.create_table(
        "receipt_tokens",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.LargeBinary(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "dossier_id"],
            ["dossiers.tenant_id", "dossiers.id"],
            name=op.f("fk_receipt_tokens_tenant_id_dossier_id_dossiers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_receipt_tokens_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "ref", name=op.f("pk_receipt_tokens")),
    )
    op.create_index(
        "ix_receipt_tokens_valid",
        "receipt_tokens",
        ["tenant_id", "dossier_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    _callbacks()
    _files()
    for table in TENANT_TABLES:
        for statement in protect(table):
            op.execute(statement)
    op.execute(CALLBACKS_DUE)
    app_role = op.get_context().config.attributes["app_role"]
    for table in TENANT_TABLES:
        op.execute(grant(table, "SELECT, INSERT, UPDATE, DELETE", app_role))


def _callbacks() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "callback_endpoints",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("timeout_s", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="enabled", nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("previous_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", moment, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", moment, nullable=True),
        sa.Column("rest_until", moment, nullable=True),
        sa.Column("disabled_at", moment, nullable=True),
        sa.Column("disabled_why", sa.Text(), nullable=True),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('enabled', 'disabled')", name=op.f("ck_callback_endpoints_state")),
        sa.CheckConstraint("timeout_s BETWEEN 1 AND 30", name=op.f("ck_callback_endpoints_timeout_s")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_callback_endpoints_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_callback_endpoints")),
    )
    op.create_table(
        "callback_deliveries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("claimed_at", moment, nullable=True),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("finished_at", moment, nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'delivered', 'failed', 'held')", name=op.f("ck_callback_deliveries_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "endpoint_id"],
            ["callback_endpoints.tenant_id", "callback_endpoints.id"],
            name=op.f("fk_callback_deliveries_tenant_id_endpoint_id_callback_endpoints"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_callback_deliveries_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "endpoint_id", "message_id", name=op.f("pk_callback_deliveries")),
    )
    op.create_index(
        "ix_callback_deliveries_open",
        "callback_deliveries",
        ["tenant_id", "endpoint_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index("ix_callback_deliveries_created", "callback_deliveries", ["tenant_id", "created_at"], unique=False)


def _files() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "stored_files",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("scan", sa.Text(), nullable=False),
        sa.Column("delete_after", moment, nullable=True),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("scan IN ('none', 'clean')", name=op.f("ck_stored_files_scan")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_stored_files_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stored_files")),
    )
    op.create_index("ix_stored_files_owner", "stored_files", ["tenant_id", "owner"], unique=False)
    op.create_index(
        "ix_stored_files_delete_after",
        "stored_files",
        ["tenant_id", "delete_after"],
        unique=False,
        postgresql_where=sa.text("delete_after IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute("DROP FUNCTION callbacks_due")
    for table in reversed(TENANT_TABLES):
        op.execute(f"DROP TABLE {table}")
