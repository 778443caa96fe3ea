"""What is under way for an account is bounded over all processes; days of templates are taken by notices as by campaigns, and given back.

Revision 0027.
"""

import sqlalchemy as sa
from alembic import op

from govchat.db.migrations import functions_0020, functions_0027
from govchat.db.rls import protect
from govchat.db.roles import grant

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.add_column("template_days", sa.Column("by_phone", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "template_returns",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("by_phone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_template_returns_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "day", "template_id", "id", name=op.f("pk_template_returns")),
    )
    for statement in protect("template_returns"):
        op.execute(statement)
    app_role = op.get_context().config.attributes["app_role"]
    op.execute(grant("template_returns", "SELECT, INSERT, UPDATE, DELETE", app_role))
    for statement in functions_0027.FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute(functions_0020.TEMPLATE_ROOM.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    for what in functions_0027.DROP:
        op.execute(f"DROP {what}")
    op.drop_table("template_returns")
    op.drop_column("template_days", "by_phone")
