"""A look at the inbox tells who waits to hear what an office answered.

Revision 0021.
"""

from alembic import op

from govchat.db.migrations import functions_0014, functions_0021

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

DROP = "DROP FUNCTION inbox_look(uuid[], integer, integer)"
# Almost always empty: what is looked at with every message is there to be looked at for nothing.
INDEX = """
CREATE INDEX ix_petitions_untold ON petitions (tenant_id, citizen_id) WHERE delivery = 'none' AND citizen_id IS NOT NULL
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute(INDEX)
    op.execute(DROP)
    op.execute(functions_0021.INBOX_LOOK)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute(DROP)
    op.execute(functions_0014.INBOX_LOOK)
    op.execute("DROP INDEX ix_petitions_untold")
