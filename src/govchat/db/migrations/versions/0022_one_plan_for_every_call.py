"""What is called for every message is planned once: planning took longer than doing it.

Revision 0022. The arrays that are handed in made PostgreSQL plan every statement anew for every province.
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

FUNCTIONS = ("inbox_apply", "inbox_look", "receipts_note", "receipts_look", "receipts_done")


def upgrade() -> None:
    for name in FUNCTIONS:
        op.execute(f"ALTER FUNCTION {name} SET plan_cache_mode = force_generic_plan")


def downgrade() -> None:
    for name in FUNCTIONS:
        op.execute(f"ALTER FUNCTION {name} RESET plan_cache_mode")
