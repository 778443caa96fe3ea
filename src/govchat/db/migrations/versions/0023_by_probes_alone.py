"""What is done for every message that is sent finds its rows by probes alone, in statements that are planned once.

Revision 0023.
"""

from alembic import op

from govchat.db.migrations.functions_0023 import BEFORE, FUNCTIONS

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    for statement in BEFORE:
        op.execute(statement)
