"""Consents, followers, notices and their wordings, templates, budgets and daily promise.

Revision 0008.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.rls import protect
from govchat.db.roles import grant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "consents",
    "consent_events",
    "citizen_blocks",
    "citizen_phones",
    "dossier_followers",
    "notices",
    "notice_tries",
    "notice_wordings",
    "notice_settings",
    "notice_budgets",
    "zbs_templates",
    "template_uses",
    "promise_days",
)
APPEND_ONLY = ("consent_events", "notice_wordings")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    _citizens()
    _notices()
    _templates()
    for table in TENANT_TABLES:
        for statement in protect(table):
            op.execute(statement)
    app_role = op.get_context().config.attributes["app_role"]
    for table in TENANT_TABLES:
        op.execute(grant(table, "SELECT, INSERT, UPDATE, DELETE", app_role))
    for table in APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {app_role}")


def _citizens() -> None:
    op.create_index(
        "ix_citizens_phone",
        "citizens",
        ["tenant_id", "phone_index"],
        unique=False,
        postgresql_where=sa.text("phone_index IS NOT NULL"),
    )
    op.create_table(
        "consents",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=True),
        sa.Column("changed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("purpose IN ('status', 'phone', 'survey', 'broadcast')", name=op.f("ck_consents_purpose")),
        sa.CheckConstraint("state IN ('granted', 'withdrawn')", name=op.f("ck_consents_state")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_consents_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_consents_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "citizen_id", "purpose", name=op.f("pk_consents")),
    )
    op.create_table(
        "consent_events",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('status', 'phone', 'survey', 'broadcast')", name=op.f("ck_consent_events_purpose")
        ),
        sa.CheckConstraint("state IN ('granted', 'withdrawn')", name=op.f("ck_consent_events_state")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_consent_events_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_consent_events_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_consent_events")),
    )
    op.create_index("ix_consent_events_citizen", "consent_events", ["tenant_id", "citizen_id", "at"], unique=False)
    op.create_table(
        "citizen_blocks",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("since", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('cs', 'uid', 'phone')", name=op.f("ck_citizen_blocks_channel")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_citizen_blocks_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_citizen_blocks_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "citizen_id", "channel", name=op.f("pk_citizen_blocks")),
    )
    op.create_table(
        "citizen_phones",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_citizen_phones_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_citizen_phones_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "citizen_id", name=op.f("pk_citizen_phones")),
    )


def _notices() -> None:
    op.create_table(
        "dossier_followers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("proof_hash", sa.LargeBinary(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("since", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("hushed_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("how IN ('secret', 'phone', 'counter')", name=op.f("ck_dossier_followers_how")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_dossier_followers_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "dossier_id"],
            ["dossiers.tenant_id", "dossiers.id"],
            name=op.f("fk_dossier_followers_tenant_id_dossier_id_dossiers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_dossier_followers_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "dossier_id", "citizen_id", name=op.f("pk_dossier_followers")),
    )
    op.create_index(
        "ix_dossier_followers_citizen",
        "dossier_followers",
        ["tenant_id", "citizen_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "notices",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decision", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("facts_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("wording_version", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("caused_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("planned_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('planned', 'merged', 'none', 'withheld', 'test')", name=op.f("ck_notices_state")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_notices_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "dossier_id"],
            ["dossiers.tenant_id", "dossiers.id"],
            name=op.f("fk_notices_tenant_id_dossier_id_dossiers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_notices_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_notices")),
        sa.UniqueConstraint(
            "tenant_id",
            "dossier_id",
            "number",
            "citizen_id",
            name=op.f("uq_notices_tenant_id_dossier_id_number_citizen_id"),
        ),
    )
    op.create_index("ix_notices_of", "notices", ["tenant_id", "dossier_id", "citizen_id", "planned_at"], unique=False)
    op.create_index(
        "ix_notices_unsaid",
        "notices",
        ["tenant_id", "planned_at"],
        unique=False,
        postgresql_where=sa.text("state = 'none'"),
    )
    op.create_table(
        "notice_tries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=True),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("money", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("planned_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("delivered_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("seen_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('cs', 'cs_paid', 'uid', 'phone')", name=op.f("ck_notice_tries_channel")),
        sa.CheckConstraint("money IN ('none', 'reserved', 'spent', 'refunded')", name=op.f("ck_notice_tries_money")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "notice_id"],
            ["notices.tenant_id", "notices.id"],
            name=op.f("fk_notice_tries_tenant_id_notice_id_notices"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_notice_tries_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "message_id", name=op.f("pk_notice_tries")),
    )
    op.create_index("ix_notice_tries_notice", "notice_tries", ["tenant_id", "notice_id"], unique=False)
    op.create_index("ix_notice_tries_planned", "notice_tries", ["tenant_id", "planned_at"], unique=False)
    op.create_index(
        "ix_notice_tries_reserved",
        "notice_tries",
        ["tenant_id", "message_id"],
        unique=False,
        postgresql_where=sa.text("money = 'reserved'"),
    )
    op.create_table(
        "notice_wordings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("saved_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_notice_wordings_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "version", name=op.f("pk_notice_wordings")),
    )
    op.create_table(
        "notice_settings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("monthly_budget", sa.Integer(), server_default="0", nullable=False),
        sa.Column("paid_window", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("cs_price", sa.Integer(), server_default="55", nullable=False),
        sa.Column("daily_quota", sa.Integer(), nullable=True),
        sa.Column("unpaid_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("templates_asked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("monthly_budget >= 0 AND cs_price >= 0", name=op.f("ck_notice_settings_amounts")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_notice_settings_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_notice_settings")),
    )
    op.create_table(
        "notice_budgets",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("spent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("messages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("by_phone", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_notice_budgets_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "period", name=op.f("pk_notice_budgets")),
    )


def _templates() -> None:
    op.create_table(
        "zbs_templates",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("price_uid", sa.Integer(), nullable=True),
        sa.Column("price_phone", sa.Integer(), nullable=True),
        sa.Column("at_night", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("quota", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("synced_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_zbs_templates_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "template_id", name=op.f("pk_zbs_templates")),
    )
    op.create_table(
        "template_uses",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("mapped_by", sa.Text(), nullable=False),
        sa.Column("mapped_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "template_id"],
            ["zbs_templates.tenant_id", "zbs_templates.template_id"],
            name=op.f("fk_template_uses_tenant_id_template_id_zbs_templates"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_template_uses_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "kind", name=op.f("pk_template_uses")),
    )
    op.create_table(
        "promise_days",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("handed", sa.Integer(), nullable=False),
        sa.Column("within_10", sa.Integer(), nullable=False),
        sa.Column("within_60", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("added_up_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_promise_days_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "day", name=op.f("pk_promise_days")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for table in reversed(TENANT_TABLES):
        op.execute(f"DROP TABLE {table}")
    op.drop_index("ix_citizens_phone", "citizens")
