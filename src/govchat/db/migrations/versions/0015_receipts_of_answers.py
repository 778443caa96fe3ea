"""What was delivered and seen, of answers too. `receipts_of_notices` stays for the processes that still run.

Revision 0015.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.migrations.functions_0015 import FUNCTIONS

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

COLUMNS = ("delivered_at", "seen_at")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for name in COLUMNS:
        op.add_column("outbox_messages", sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=True))
    for statement in FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute("DROP FUNCTION receipts_note")
    for name in COLUMNS:
        op.drop_column("outbox_messages", name)
