"""Receipts and callbacks: the tokens printed on receipts, the addresses that hear from us and what is delivered to them.

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

TENANT_TABLES = ("receipt_tokens",)


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
    for table in TENANT_TABLES:
        for statement in protect(table):
            op.execute(statement)
    app_role = op.get_context().config.attributes["app_role"]
    for table in TENANT_TABLES:
        op.execute(grant(table, "SELECT, INSERT, UPDATE, DELETE", app_role))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for table in reversed(TENANT_TABLES):
        op.execute(f"DROP TABLE {table}")
