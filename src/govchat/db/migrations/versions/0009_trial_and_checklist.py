"""Testers of a trial and what they were sent; what people confirmed and Zalo said for the checklist.

Revision 0009.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.rls import protect
from govchat.db.roles import grant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TENANT_TABLES = ("tenant_testers", "trial_days", "trial_declined", "checklist_confirmations", "checklist_facts")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.create_table(
        "tenant_testers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("zalo_user_id", sa.Text(), nullable=False),
        sa.Column("added_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_tenant_testers_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "zalo_user_id", name=op.f("pk_tenant_testers")),
    )
    op.create_table(
        "trial_days",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.CheckConstraint("sent >= 0", name=op.f("ck_trial_days_sent")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_trial_days_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "day", name=op.f("pk_trial_days")),
    )
    op.create_table(
        "trial_declined",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("zalo_user_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_trial_declined_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "zalo_user_id", name=op.f("pk_trial_declined")),
    )
    op.create_table(
        "checklist_confirmations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_checklist_confirmations_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "line", name=op.f("pk_checklist_confirmations")),
    )
    op.create_table(
        "checklist_facts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_checklist_facts_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_checklist_facts")),
    )

    app_role = op.get_context().config.attributes["app_role"]
    for table in TENANT_TABLES:
        for statement in protect(table):
            op.execute(statement)
        op.execute(grant(table, "SELECT, INSERT, UPDATE, DELETE", app_role))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for table in reversed(TENANT_TABLES):
        op.execute(f"DROP TABLE {table}")
