"""A promise to the ledger finds what is over by its index; a look at campaigns asks a still tenant one thing.

Revision 0030. Processes of the revision before keep working.
"""

from alembic import op

from govchat.db.migrations import functions_0030

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for statement in functions_0030.FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for statement in functions_0030.BEFORE:
        op.execute(statement)
