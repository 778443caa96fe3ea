"""The life of a dossier: sub-states, appointments, pauses and flags; rules of deadlines; idempotency keys.

Revision 0006. New columns have defaults or may be empty: the code of the revision before runs on.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.rls import protect
from govchat.db.roles import grant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("idempotency_keys", "dossier_rules")
MOMENT = postgresql.TIMESTAMP(timezone=True)

# The policies bind the owner too, so that every province is looked at in turn.
NUMBER_EVENTS = """
DO $$
DECLARE bound uuid;
BEGIN
  FOR bound IN SELECT id FROM tenants LOOP
    PERFORM set_config('govchat.tenant_id', bound::text, true);
    UPDATE dossiers d SET last_event = e.last, first_due_at = d.due_at
    FROM (SELECT dossier_id, max(number) AS last FROM dossier_events WHERE tenant_id = bound GROUP BY dossier_id) e
    WHERE d.tenant_id = bound AND d.id = e.dossier_id;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '600s'")
    for column in _of_dossiers():
        op.add_column("dossiers", column)
    for column in _of_events():
        op.add_column("dossier_events", column)
    op.execute(NUMBER_EVENTS)
    flagged, running = sa.text("flags <> '{}'"), sa.text("status IN (2, 4) AND overdue_at IS NULL")
    op.create_index("ix_dossiers_flagged", "dossiers", ["tenant_id", "id"], postgresql_where=flagged)
    op.create_index("ix_dossiers_running", "dossiers", ["tenant_id", "due_at"], postgresql_where=running)
    op.create_table(
        "dossier_rules",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("rule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('office', 'procedure')", name=op.f("ck_dossier_rules_kind")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_dossier_rules_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "subject", name=op.f("pk_dossier_rules")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "key_id"],
            ["api_keys.tenant_id", "api_keys.id"],
            name=op.f("fk_idempotency_keys_tenant_id_key_id_api_keys"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_idempotency_keys_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "key_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_tenant_id_expires_at"), "idempotency_keys", ["tenant_id", "expires_at"])
    app_role = op.get_context().config.attributes["app_role"]
    for table in TABLES:
        for statement in protect(table):
            op.execute(statement)
        op.execute(grant(table, "SELECT, INSERT, UPDATE, DELETE", app_role))


def _of_dossiers() -> list[sa.Column]:
    moments = ("first_due_at", "registered_at", "paused_at", "finished_at", "overdue_at")
    return [
        sa.Column("sub_status", sa.Text(), nullable=True),
        *(sa.Column(name, MOMENT, nullable=True) for name in moments),
        sa.Column("reappointments", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_event", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    ]


def _of_events() -> list[sa.Column]:
    return [
        sa.Column("old_status", sa.SmallInteger(), nullable=True),
        sa.Column("sub_status", sa.Text(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("told_sealed", sa.LargeBinary(), nullable=True),
    ]


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
    for name in ("ix_dossiers_running", "ix_dossiers_flagged"):
        op.drop_index(name, "dossiers")
    for column in _of_events():
        op.drop_column("dossier_events", column.name)
    for column in _of_dossiers():
        op.drop_column("dossiers", column.name)
