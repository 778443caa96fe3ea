"""What many tenants are asked for in one call: their words, keys, tokens and addresses; and a look at an idle one in one statement.

Revision 0026. Processes of the revision before keep working: what they call stays.
"""

from alembic import op

from govchat.db.migrations import functions_0026

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for statement in functions_0026.FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for function in functions_0026.ADDED:
        op.execute(f"DROP FUNCTION {function}")
    for statement in functions_0026.BEFORE:
        op.execute(statement)
