"""What a put looks at tells also how the province names statuses, buttons and what stands in for a fact.

Revision 0027.
"""

from alembic import op

from govchat.db.migrations.functions_0027 import BEFORE, FUNCTIONS

revision = "0027"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    for statement in BEFORE:
        op.execute(statement)
