"""What was delivered and seen, of answers too; dossiers that wait to be accepted. `receipts_of_notices` stays for the processes that run.

Revision 0016.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.migrations.functions_0016 import FUNCTIONS

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COLUMNS = ("delivered_at", "seen_at")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for name in COLUMNS:
        op.add_column("outbox_messages", sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.create_index(
        "ix_dossiers_waiting",
        "dossiers",
        ["tenant_id", "registered_at"],
        postgresql_where=sa.text("status = 1 AND overdue_at IS NULL"),
    )
    for statement in FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute("DROP FUNCTION receipts_note")
    op.drop_index("ix_dossiers_waiting", "dossiers")
    for name in COLUMNS:
        op.drop_column("outbox_messages", name)
