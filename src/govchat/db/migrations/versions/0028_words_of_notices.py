"""What a put looks at tells also how the province names statuses, buttons and what stands in for a fact.

Revision 0028.
"""

from alembic import op

from govchat.db.migrations.functions_0028 import BEFORE, FUNCTIONS

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    for statement in BEFORE:
        op.execute(statement)
