"""Procedures, words of notices and uses of templates know whether a file of the manifest's folder or an admin wrote them.

Revision 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ORIGIN = "ck_procedure_overrides_origin"
SOURCED = ("notice_wordings", "template_uses")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    _origins("'api', 'import', 'cli', 'file'")
    for table in SOURCED:
        # Whatever stands there was written by people.
        op.add_column(table, sa.Column("source", sa.Text(), server_default="admin", nullable=False))
        op.create_check_constraint(op.f(f"ck_{table}_source"), table, "source IN ('file', 'admin')")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for table in SOURCED:
        op.drop_constraint(op.f(f"ck_{table}_source"), table)
        op.drop_column(table, "source")
    # The policy is forced on the owner too, who is to see every tenant's rows here.
    op.execute("ALTER TABLE procedure_overrides NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE procedure_overrides SET origin = 'cli' WHERE origin = 'file'")
    op.execute("ALTER TABLE procedure_overrides FORCE ROW LEVEL SECURITY")
    _origins("'api', 'import', 'cli'")


def _origins(allowed: str) -> None:
    op.drop_constraint(op.f(ORIGIN), "procedure_overrides")
    op.create_check_constraint(op.f(ORIGIN), "procedure_overrides", f"origin IN ({allowed})")
