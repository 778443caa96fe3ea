"""Both ends of the pipe ask for many tenants at once; what asks for an answer has an index of its own.

Revision 0009.
"""

import sqlalchemy as sa
from alembic import op

from govchat.db.migrations import functions_0001, functions_0009

revision = "0009"
down_revision = "0002"
branch_labels = None
depends_on = None

REPLACED = (
    "inbox_put(uuid[], uuid[], text[], text[], text[], timestamptz[], text[], bytea[])",
    "tenants_with_work(interval)",
    "outbox_claim(uuid, uuid, integer, integer, integer, integer)",
    "outbox_record(uuid, uuid, timestamptz, uuid[], text[], timestamptz[], boolean[], text[], timestamptz[], text[], integer[], "
    "text[], text[])",
)
ADDED = (
    "dossiers_look",
    "outbox_record",
    "outbox_claim",
    "tenants_with_work",
    "outbox_note_echoes",
    "receipts_done",
    "receipts_look",
    "inbox_apply",
    "inbox_look",
    "inbox_put",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for function in REPLACED:
        op.execute(f"DROP FUNCTION {function}")
    # Rows from before count as asking: whoever works one off finds out that it does not.
    op.add_column("inbox_events", sa.Column("asks", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.drop_index("ix_inbox_events_pending", "inbox_events")
    for name, columns, where in (
        ("ix_inbox_events_citizen", ["tenant_id", "user_id", "occurred_at", "seq"], "state = 'pending' AND asks"),
        ("ix_inbox_events_asking", ["tenant_id", "seq"], "state = 'pending' AND asks"),
        ("ix_inbox_events_receipts", ["tenant_id", "seq"], "state = 'pending' AND NOT asks"),
    ):
        op.create_index(name, "inbox_events", columns, postgresql_where=sa.text(where))
    for statement in functions_0009.FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for function in ADDED:
        op.execute(f"DROP FUNCTION {function}")
    for name in ("ix_inbox_events_receipts", "ix_inbox_events_asking", "ix_inbox_events_citizen"):
        op.drop_index(name, "inbox_events")
    op.drop_column("inbox_events", "asks")
    op.create_index(
        "ix_inbox_events_pending",
        "inbox_events",
        ["tenant_id", "user_id", "occurred_at", "seq"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    for statement in functions_0001.FUNCTIONS:
        op.execute(statement)
