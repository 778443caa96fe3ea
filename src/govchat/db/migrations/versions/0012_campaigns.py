"""Campaigns, what their audiences are made from, and outbox rows that share one body.

Revision 0012.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.migrations import functions_0003, functions_0012
from govchat.db.rls import protect
from govchat.db.roles import grant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "outbox_bodies", "outbox_tallies", "promotion_days", "campaigns", "campaign_settings", "citizen_labels", "audience_lists",
    "audience_members", "campaign_pictures",
)  # fmt: skip
INDEXES = (
    ("ix_outbox_messages_waiting", ["tenant_id", "lane", "seq"], "state = 'queued' AND body_ref IS NULL"),
    ("ix_outbox_messages_shared", ["tenant_id", "body_ref", "due_at"], "state = 'queued' AND body_ref IS NOT NULL"),
    (
        "ix_outbox_messages_doubt",
        ["tenant_id", "claimed_at"],
        "state IN ('sending', 'uncertain') AND settled_by IS NULL",
    ),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    _messages()
    _outbox()
    _campaigns()
    _audiences()
    app_role = op.get_context().config.attributes["app_role"]
    for table in TENANT_TABLES:
        for statement in protect(table):
            op.execute(statement)
        op.execute(grant(table, "SELECT, INSERT, UPDATE, DELETE", app_role))
    for statement in functions_0012.FUNCTIONS:
        op.execute(statement)


def _messages() -> None:
    op.alter_column("outbox_messages", "body_sealed", nullable=True)
    op.add_column("outbox_messages", sa.Column("body_ref", sa.Uuid(), nullable=True))
    op.add_column("outbox_messages", sa.Column("channel", sa.Text(), nullable=True))
    op.add_column("outbox_messages", sa.Column("cost", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_outbox_messages_one_body"), "outbox_messages", "(body_sealed IS NULL) = (body_ref IS NOT NULL)"
    )
    for name, columns, where in INDEXES:
        op.create_index(name, "outbox_messages", columns, postgresql_where=sa.text(where))
    op.drop_index("ix_outbox_messages_queued", "outbox_messages")
    # A third of what a planned recipient cost; the key to citizens proves the tenant already.
    op.drop_constraint(op.f("fk_outbox_messages_tenant_id_tenants"), "outbox_messages")


def _outbox() -> None:
    op.create_table(
        "outbox_bodies",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("by_cs", sa.Boolean(), nullable=False),
        sa.Column("price_cs", sa.Integer(), nullable=True),
        sa.Column("price_uid", sa.Integer(), nullable=True),
        sa.Column("is_promotion", sa.Boolean(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_to", sa.Time(), nullable=True),
        sa.Column("fields", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=True),
        sa.Column("ceiling", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("planned", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("uncertain", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("spent", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_outbox_bodies_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_outbox_bodies")),
    )
    op.create_index(
        "ix_outbox_bodies_open",
        "outbox_bodies",
        ["tenant_id", "rank", "id"],
        unique=False,
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "outbox_tallies",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("body_ref", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.SmallInteger(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_outbox_tallies")),
    )
    op.create_table(
        "promotion_days",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_promotion_days_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_promotion_days_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "citizen_id", name=op.f("pk_promotion_days")),
    )


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("send_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("max_cost", sa.Integer(), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("paused_from", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Uuid(), nullable=True),
        sa.Column("expanded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("swept", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reserved_in", sa.Text(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.CheckConstraint("class IN ('announcement', 'promotion', 'emergency')", name=op.f("ck_campaigns_class")),
        sa.CheckConstraint(
            "state IN ('draft', 'approved', 'scheduled', 'running', 'paused', 'cancelled', 'done')",
            name=op.f("ck_campaigns_state"),
        ),
        sa.CheckConstraint("max_cost >= 0", name=op.f("ck_campaigns_max_cost")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_campaigns_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_campaigns")),
    )
    op.create_index(
        "ix_campaigns_under_way",
        "campaigns",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text(
            "state IN ('approved', 'scheduled', 'running') OR (state = 'cancelled' AND NOT swept)"
        ),
    )
    op.create_table(
        "campaign_settings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("most_unsent", sa.Integer(), nullable=False),
        sa.Column("emergency_by", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("most_unsent >= 1", name=op.f("ck_campaign_settings_most_unsent")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_campaign_settings_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_campaign_settings")),
    )
    op.create_table(
        "campaign_pictures",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("attachment_id", sa.Text(), nullable=True),
        sa.Column("oa_id", sa.Text(), nullable=True),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_campaign_pictures_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_campaign_pictures")),
    )
    op.create_index(
        "ix_campaign_pictures_wanted",
        "campaign_pictures",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("attachment_id IS NULL"),
    )


def _audiences() -> None:
    op.create_table(
        "citizen_labels",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('commune', 'tag')", name=op.f("ck_citizen_labels_kind")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_citizen_labels_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_citizen_labels_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "citizen_id", "kind", "folded", name=op.f("pk_citizen_labels")),
    )
    op.create_index(
        "ix_citizen_labels_folded", "citizen_labels", ["tenant_id", "kind", "folded", "citizen_id"], unique=False
    )
    op.create_table(
        "audience_lists",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("problems", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_audience_lists_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audience_lists")),
    )
    op.create_table(
        "audience_members",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("fields_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_audience_members_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "list_id"],
            ["audience_lists.tenant_id", "audience_lists.id"],
            name=op.f("fk_audience_members_tenant_id_list_id_audience_lists"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_audience_members_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "list_id", "citizen_id", name=op.f("pk_audience_members")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute("DROP TRIGGER outbox_tally ON outbox_messages")
    for function in ("outbox_tally", "outbox_claim_bulk", "campaigns_under_way"):
        op.execute(f"DROP FUNCTION {function}")
    for function in (functions_0003.OUTBOX_CLAIM, functions_0003.TENANTS_WITH_WORK):
        op.execute(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    op.create_foreign_key(
        op.f("fk_outbox_messages_tenant_id_tenants"), "outbox_messages", "tenants", ["tenant_id"], ["id"]
    )
    # What shares a body can't be said without it.
    op.execute("DELETE FROM outbox_messages WHERE body_ref IS NOT NULL")
    op.create_index(
        "ix_outbox_messages_queued",
        "outbox_messages",
        ["tenant_id", "lane", "seq"],
        postgresql_where=sa.text("state = 'queued'"),
    )
    for name, _, _ in INDEXES:
        op.drop_index(name, "outbox_messages")
    op.drop_constraint(op.f("ck_outbox_messages_one_body"), "outbox_messages")
    for column in ("cost", "channel", "body_ref"):
        op.drop_column("outbox_messages", column)
    op.alter_column("outbox_messages", "body_sealed", nullable=False)
    for table in (
        "audience_members",
        "audience_lists",
        *(name for name in reversed(TENANT_TABLES) if not name.startswith("audience")),
    ):
        op.execute(f"DROP TABLE {table}")
