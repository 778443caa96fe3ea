"""What is done for every message that is sent finds its rows by probes alone, in statements that are planned once.

Revision 0023.
"""

from alembic import op

from govchat.db.migrations import functions_0023, functions_0023_inbox, functions_0023_puts

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in functions_0023.FUNCTIONS + functions_0023_puts.FUNCTIONS + functions_0023_inbox.FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    for statement in functions_0023.BEFORE + functions_0023_puts.BEFORE + functions_0023_inbox.BEFORE:
        op.execute(statement)
