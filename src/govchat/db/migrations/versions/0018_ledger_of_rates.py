"""A ledger of rates that outlives Redis: what processes promised to take at most, and what was granted without Redis.

Revision 0018.
"""

import sqlalchemy as sa
from alembic import op

from govchat.db.migrations.functions_0018 import DROP, FUNCTIONS
from govchat.db.roles import grant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    app_role = op.get_context().config.attributes["app_role"]
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.create_table(
        "rate_promises",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("ceiling", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "holder", name=op.f("pk_rate_promises")),
    )
    op.create_index(op.f("ix_rate_promises_until"), "rate_promises", ["until"])
    op.create_table(
        "rate_slots",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "slot", name=op.f("pk_rate_slots")),
    )
    for statement in FUNCTIONS:
        op.execute(statement)
    for table in ("rate_promises", "rate_slots"):
        op.execute(grant(table, "SELECT, INSERT, UPDATE, DELETE", app_role))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for function in DROP:
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table("rate_slots")
    op.drop_table("rate_promises")
