"""A look at the inbox tells with which citizens an officer has the word.

Revision 0014.
"""

from alembic import op

from govchat.db.migrations import functions_0003, functions_0014

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

DROP = "DROP FUNCTION inbox_look(uuid[], integer, integer)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute(DROP)
    op.execute(functions_0014.INBOX_LOOK)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute(DROP)
    op.execute(functions_0003.INBOX_LOOK)
