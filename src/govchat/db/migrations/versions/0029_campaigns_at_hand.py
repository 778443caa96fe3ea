"""What campaigns of many tenants need is read in one call; a body knows when it was last made true.

Revision 0029. Processes of the revision before keep working: what they call stays.
"""

import sqlalchemy as sa
from alembic import op

from govchat.db.migrations import functions_0029

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.add_column(
        "outbox_bodies",
        sa.Column("refreshed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    for statement in functions_0029.FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for function in functions_0029.ADDED:
        op.execute(f"DROP FUNCTION {function}")
    op.drop_column("outbox_bodies", "refreshed_at")
