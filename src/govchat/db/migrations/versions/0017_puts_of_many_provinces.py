"""Who calls is read for many requests at once, and dossiers that many provinces put at the same moment are taken in together.

Revision 0017.
"""

from alembic import op

from govchat.db.migrations import functions_0017

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ADDED = ("dossiers_put_apply", "dossiers_put_look", "api_keys_recognise")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for function in functions_0017.FUNCTIONS:
        op.execute(function)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for name in ADDED:
        op.execute(f"DROP FUNCTION {name}")
