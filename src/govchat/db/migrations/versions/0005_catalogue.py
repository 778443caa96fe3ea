"""The catalogue of procedures: the national layer, the provinces' layers over it.

Revision 0005.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.rls import protect
from govchat.db.roles import grant

revision = "0005"
down_revision = "0009"
branch_labels = None
depends_on = None

NATIONAL_TABLES = ("national_imports", "national_procedures")

# How far each province's layer is: one index probe a province. Runs as its caller and binds them one after another.
CATALOGUE_MARKS_OF_ALL = """
CREATE FUNCTION catalogue_marks_of_all() RETURNS TABLE (tenant uuid, mark integer)
LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
  FOR tenant IN SELECT id FROM tenants LOOP
    PERFORM set_config('govchat.tenant_id', tenant::text, true);
    mark := (SELECT m.mark FROM catalogue_marks m WHERE m.tenant_id = tenant);
    IF mark IS NOT NULL THEN
      RETURN NEXT;
    END IF;
  END LOOP;
  PERFORM set_config('govchat.tenant_id', '', true);
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.create_table(
        "national_imports",
        sa.Column("number", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.LargeBinary(), nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_national_imports")),
    )
    op.create_table(
        "national_procedures",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("patch", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("import_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_number"],
            ["national_imports.number"],
            name=op.f("fk_national_procedures_import_number_national_imports"),
        ),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_national_procedures")),
    )
    op.create_table(
        "procedure_overrides",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("patch", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("origin IN ('api', 'import', 'cli')", name=op.f("ck_procedure_overrides_origin")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_procedure_overrides_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "code", "version", name=op.f("pk_procedure_overrides")),
    )
    op.create_table(
        "catalogue_marks",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_catalogue_marks_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_catalogue_marks")),
    )
    app_role = op.get_context().config.attributes["app_role"]
    for table in ("procedure_overrides", "catalogue_marks"):
        for statement in protect(table):
            op.execute(statement)
    # The national layer is written by the owner role alone: `govchat procedure import --national`.
    for table in NATIONAL_TABLES:
        op.execute(grant(table, "SELECT", app_role))
    op.execute(grant("procedure_overrides", "SELECT, INSERT", app_role))
    op.execute(grant("catalogue_marks", "SELECT, INSERT, UPDATE", app_role))
    op.execute(CATALOGUE_MARKS_OF_ALL)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute("DROP FUNCTION catalogue_marks_of_all")
    for table in ("catalogue_marks", "procedure_overrides", *reversed(NATIONAL_TABLES)):
        op.execute(f"DROP TABLE {table}")
