"""Petitions, ratings, hand-offs, privacy: what citizens report, how they judge, who speaks with them, and how long anything is kept.

Revision 0013.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.rls import protect
from govchat.db.roles import grant

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)

TENANT_TABLES = (
    "petitions", "petition_events", "petition_settings", "ratings", "rating_settings", "handoffs", "handoff_settings",
    "privacy_requests", "retention_settings", "retention_runs",
)  # fmt: skip


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.add_column("citizens", sa.Column("muted_until", MOMENT, nullable=True))
    op.create_index(
        "ix_dossiers_finished",
        "dossiers",
        ["tenant_id", "finished_at"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    _petitions()
    _petition_events()
    _ratings()
    _handoffs()
    _privacy()
    for table in TENANT_TABLES:
        for statement in protect(table):
            op.execute(statement)
    app_role = op.get_context().config.attributes["app_role"]
    for table in TENANT_TABLES:
        if table != "petition_events":
            op.execute(grant(table, "SELECT, INSERT, UPDATE, DELETE", app_role))
    # What happened stays; the words alone may be erased.
    op.execute(grant("petition_events", "SELECT, INSERT, UPDATE (told_sealed)", app_role))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for table in reversed(TENANT_TABLES):
        op.execute(f"DROP TABLE {table}")
    op.drop_index("ix_dossiers_finished", "dossiers")
    op.drop_column("citizens", "muted_until")


def _petitions() -> None:
    op.create_table(
        "petitions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("commune", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("private_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("forward_by", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("overdue_at", MOMENT, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("confirm_until", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("reopened", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("delivery", sa.Text(), nullable=True),
        sa.Column("delivery_reason", sa.Text(), nullable=True),
        sa.Column("last_event", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("delivery IN ('planned', 'none', 'told', 'test')", name=op.f("ck_petitions_delivery")),
        sa.CheckConstraint("kind IN ('reflection', 'proposal', 'scene')", name=op.f("ck_petitions_kind")),
        sa.CheckConstraint(
            "state IN ('received', 'assigned', 'answered', 'reopened', 'confirmed', 'closed', 'forwarded', 'merged')",
            name=op.f("ck_petitions_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_petitions_tenant_id_citizen_id_citizens"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "merged_into"],
            ["petitions.tenant_id", "petitions.id"],
            name=op.f("fk_petitions_tenant_id_merged_into_petitions"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_petitions_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_petitions")),
        sa.UniqueConstraint("tenant_id", "code", name=op.f("uq_petitions_tenant_id_code")),
    )
    op.create_index(
        "ix_petitions_citizen",
        "petitions",
        ["tenant_id", "citizen_id", "id"],
        unique=False,
        postgresql_where=sa.text("citizen_id IS NOT NULL"),
    )
    op.create_index(
        "ix_petitions_confirm",
        "petitions",
        ["tenant_id", "confirm_until"],
        unique=False,
        postgresql_where=sa.text("state = 'answered'"),
    )
    op.create_index(
        "ix_petitions_running",
        "petitions",
        ["tenant_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('received', 'assigned', 'reopened') AND overdue_at IS NULL"),
    )
    op.create_index("ix_petitions_state", "petitions", ["tenant_id", "state", "id"], unique=False)


def _petition_events() -> None:
    op.create_table(
        "petition_events",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("petition_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("told_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "petition_id"],
            ["petitions.tenant_id", "petitions.id"],
            name=op.f("fk_petition_events_tenant_id_petition_id_petitions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_petition_events_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "petition_id", "number", name=op.f("pk_petition_events")),
    )
    op.create_table(
        "petition_settings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column(
            "answer_workdays", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("most_reopens", sa.SmallInteger(), nullable=True),
        sa.Column("confirm_days", sa.SmallInteger(), nullable=True),
        sa.Column("most_a_day", sa.SmallInteger(), nullable=True),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("confirm_days BETWEEN 1 AND 90", name=op.f("ck_petition_settings_confirm_days")),
        sa.CheckConstraint("most_a_day BETWEEN 1 AND 50", name=op.f("ck_petition_settings_most_a_day")),
        sa.CheckConstraint("most_reopens BETWEEN 1 AND 9", name=op.f("ck_petition_settings_most_reopens")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_petition_settings_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_petition_settings")),
    )


def _ratings() -> None:
    op.create_table(
        "ratings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("procedure_code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("levels", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=True),
        sa.Column("about_time", sa.SmallInteger(), nullable=True),
        sa.Column("about_attitude", sa.SmallInteger(), nullable=True),
        sa.Column("about_clarity", sa.SmallInteger(), nullable=True),
        sa.Column("extra_costs", sa.Boolean(), nullable=True),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("comment_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("poor", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("invited_at", MOMENT, nullable=True),
        sa.Column("given_at", MOMENT, nullable=True),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.Column("seen_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'given') = (level IS NOT NULL AND given_at IS NOT NULL)", name=op.f("ck_ratings_given")
        ),
        sa.CheckConstraint("state IN ('invited', 'given')", name=op.f("ck_ratings_state")),
        sa.CheckConstraint(
            "level BETWEEN 1 AND levels AND about_time BETWEEN 1 AND levels AND about_attitude BETWEEN 1 AND levels "
            "AND about_clarity BETWEEN 1 AND levels",
            name=op.f("ck_ratings_scale"),
        ),
        sa.CheckConstraint("levels = 3 OR levels = 5", name=op.f("ck_ratings_levels")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_ratings_tenant_id_citizen_id_citizens"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "dossier_id"],
            ["dossiers.tenant_id", "dossiers.id"],
            name=op.f("fk_ratings_tenant_id_dossier_id_dossiers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_ratings_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "dossier_id", name=op.f("pk_ratings")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_ratings_tenant_id_id")),
    )
    op.create_index(
        "ix_ratings_citizen",
        "ratings",
        ["tenant_id", "citizen_id"],
        unique=False,
        postgresql_where=sa.text("citizen_id IS NOT NULL"),
    )
    op.create_index(
        "ix_ratings_given",
        "ratings",
        ["tenant_id", "given_at", "unit"],
        unique=False,
        postgresql_where=sa.text("state = 'given'"),
    )
    op.create_index(
        "ix_ratings_poor",
        "ratings",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("poor AND seen_at IS NULL"),
    )
    op.create_table(
        "rating_settings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("levels", sa.SmallInteger(), server_default=sa.text("3"), nullable=False),
        sa.Column("invite", sa.Text(), server_default="consented", nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("invite IN ('consented', 'followers', 'nobody')", name=op.f("ck_rating_settings_invite")),
        sa.CheckConstraint("levels = 3 OR levels = 5", name=op.f("ck_rating_settings_levels")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_rating_settings_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_rating_settings")),
    )


def _handoffs() -> None:
    op.create_table(
        "handoffs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("officer_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint("ended_by IN ('silence', 'citizen')", name=op.f("ck_handoffs_ended_by")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_handoffs_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_handoffs_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_handoffs")),
    )
    op.create_index("ix_handoffs_citizen", "handoffs", ["tenant_id", "citizen_id", "opened_at"], unique=False)
    op.create_index(
        "uq_handoffs_open",
        "handoffs",
        ["tenant_id", "citizen_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "handoff_settings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("silent_minutes", sa.SmallInteger(), server_default=sa.text("30"), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("silent_minutes BETWEEN 1 AND 1440", name=op.f("ck_handoff_settings_silent_minutes")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_handoff_settings_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_handoff_settings")),
    )


def _privacy() -> None:
    op.create_table(
        "privacy_requests",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("acknowledged_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("extended_at", MOMENT, nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("steps", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("waits", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('know', 'export', 'correct', 'erase', 'withdraw', 'restrict', 'object')",
            name=op.f("ck_privacy_requests_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('acknowledged', 'erasing', 'done', 'refused')", name=op.f("ck_privacy_requests_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_privacy_requests_tenant_id_citizen_id_citizens"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_privacy_requests_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_privacy_requests")),
        sa.UniqueConstraint("tenant_id", "code", name=op.f("uq_privacy_requests_tenant_id_code")),
    )
    op.create_index("ix_privacy_requests_citizen", "privacy_requests", ["tenant_id", "citizen_id"], unique=False)
    op.create_index(
        "ix_privacy_requests_open",
        "privacy_requests",
        ["tenant_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('acknowledged', 'erasing')"),
    )
    op.create_table(
        "retention_settings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("days BETWEEN 1 AND 36500", name=op.f("ck_retention_settings_days")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_retention_settings_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "what", name=op.f("pk_retention_settings")),
    )
    op.create_table(
        "retention_runs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("ran_at", MOMENT, nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("more", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_retention_runs_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "what", name=op.f("pk_retention_runs")),
    )
