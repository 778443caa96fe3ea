"""Articles that Zalo broadcasts, what templates may still say today, and money that returns to a campaign's ceiling.

Revision 0020.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.migrations import functions_0020
from govchat.db.rls import protect
from govchat.db.roles import grant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

CAMPAIGN = {
    "way": sa.Text(),
    "article_token": sa.Text(),
    "article_id": sa.Text(),
    "broadcast_at": postgresql.TIMESTAMP(timezone=True),
    "broadcast_id": sa.Text(),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for name, kind in CAMPAIGN.items():
        op.add_column("campaigns", sa.Column(name, kind, nullable=True))
    op.create_check_constraint(op.f("ck_campaigns_way"), "campaigns", "way IN ('personal', 'broadcast')")
    op.add_column("outbox_bodies", sa.Column("template_id", sa.Text(), nullable=True))
    op.add_column("outbox_tallies", sa.Column("refund", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "template_days",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("taken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("spent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_template_days_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "day", "template_id", name=op.f("pk_template_days")),
    )
    for statement in protect("template_days"):
        op.execute(statement)
    app_role = op.get_context().config.attributes["app_role"]
    op.execute(grant("template_days", "SELECT, INSERT, UPDATE, DELETE", app_role))
    for statement in functions_0020.FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for statement in functions_0020.BEFORE:
        op.execute(statement)
    op.execute("DROP FUNCTION outbox_template_room")
    op.execute("DROP TABLE template_days")
    op.drop_column("outbox_tallies", "refund")
    op.drop_column("outbox_bodies", "template_id")
    op.drop_constraint(op.f("ck_campaigns_way"), "campaigns")
    for column in reversed(CAMPAIGN):
        op.drop_column("campaigns", column)
