"""Claims of campaigns in small statements: half of what one cost was their start.

Revision 0024.
"""

from alembic import op

from govchat.db.migrations.functions_0024 import BEFORE, FUNCTIONS

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    for statement in BEFORE:
        op.execute(statement)
