"""A province's own words: versions of sentences, added and never changed.

Revision 0010.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.rls import protect
from govchat.db.roles import grant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.create_table(
        "tenant_wordings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("edited_by", sa.Text(), nullable=False),
        sa.Column("edited_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("source IN ('file', 'admin')", name=op.f("ck_tenant_wordings_source")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_tenant_wordings_version")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_tenant_wordings_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "key", "version", name=op.f("pk_tenant_wordings")),
    )
    for statement in protect("tenant_wordings"):
        op.execute(statement)
    app_role = op.get_context().config.attributes["app_role"]
    op.execute(grant("tenant_wordings", "SELECT, INSERT", app_role))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute("DROP TABLE tenant_wordings")
