"""What campaigns say is claimed and recorded together: what an update costs is mostly its beginning.

Revision 0025.
"""

from alembic import op

from govchat.db.migrations.functions_0025 import BEFORE, FUNCTIONS

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in BEFORE:
        op.execute(statement)
