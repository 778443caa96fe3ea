"""First tables: registry, credentials, keys, citizens, inbox, conversations, dossiers, outbox.

Revision 0001.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from govchat.db.migrations.functions_0001 import FUNCTIONS
from govchat.db.rls import protect
from govchat.db.roles import ensure, grant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REGISTRY_TABLES = ("zalo_apps", "tenants")
TENANT_TABLES = (
    "tenant_keys",
    "oa_credentials",
    "api_keys",
    "citizens",
    "inbox_events",
    "conversations",
    "dossiers",
    "dossier_events",
    "dossier_proofs",
    "lookup_failures",
    "outbox_messages",
    "outbox_attempts",
)
APPEND_ONLY = ("dossier_events",)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.create_table(
        "unrouted_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("event_name", sa.Text(), nullable=False),
        sa.Column(
            "received_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unrouted_events")),
    )
    op.create_table(
        "zalo_apps",
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("app_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("oa_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("pkce_mode", sa.Text(), nullable=False),
        sa.Column("requests_per_minute", sa.Integer(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("signature IN ('observe', 'enforce')", name=op.f("ck_zalo_apps_signature")),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_zalo_apps")),
        sa.UniqueConstraint("key", name=op.f("uq_zalo_apps_key")),
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("key_tag", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("oa_id", sa.Text(), nullable=False),
        sa.Column("manifest", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'trial', 'live', 'suspended', 'closed')", name=op.f("ck_tenants_state")),
        sa.ForeignKeyConstraint(["app_id"], ["zalo_apps.app_id"], name=op.f("fk_tenants_app_id_zalo_apps")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("key_tag", name=op.f("uq_tenants_key_tag")),
        sa.UniqueConstraint("oa_id", name=op.f("uq_tenants_oa_id")),
        sa.UniqueConstraint("slug", name=op.f("uq_tenants_slug")),
    )
    op.create_index(op.f("ix_tenants_app_id"), "tenants", ["app_id"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_api_keys_mode")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_api_keys_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("tenant_id", "key_hash", name=op.f("uq_api_keys_tenant_id_key_hash")),
    )
    op.create_table(
        "citizens",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zalo_user_id", sa.Text(), nullable=False),
        sa.Column("user_id_by_app", sa.Text(), nullable=True),
        sa.Column("follows", sa.Boolean(), nullable=True),
        sa.Column("follow_changed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_interaction_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("phone_shared_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_citizens_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_citizens")),
        sa.UniqueConstraint("tenant_id", "zalo_user_id", name=op.f("uq_citizens_tenant_id_zalo_user_id")),
    )
    op.create_table(
        "dossiers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("procedure_code", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("due_given", sa.Boolean(), nullable=False),
        sa.Column("changed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("private_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status BETWEEN 1 AND 10", name=op.f("ck_dossiers_status")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_dossiers_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_dossiers")),
        sa.UniqueConstraint("tenant_id", "code_key", name=op.f("uq_dossiers_tenant_id_code_key")),
    )
    op.create_table(
        "inbox_events",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("event_name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "received_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("done_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'done', 'parked')", name=op.f("ck_inbox_events_state")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_inbox_events")),
        sa.UniqueConstraint("tenant_id", "dedupe_key", name=op.f("uq_inbox_events_tenant_id_dedupe_key")),
    )
    op.create_index(
        "ix_inbox_events_pending",
        "inbox_events",
        ["tenant_id", "user_id", "occurred_at", "seq"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "lookup_failures",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("blocked_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_lookup_failures_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "subject", name=op.f("pk_lookup_failures")),
    )
    op.create_table(
        "oa_credentials",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("oa_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="ok", nullable=False),
        sa.Column("access_token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("oa_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("access_expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("refresh_issued_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("refresh_claimed_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("refresh_claimed_by", sa.Uuid(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('ok', 'needs_reconsent')", name=op.f("ck_oa_credentials_state")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_oa_credentials_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "oa_id", name=op.f("pk_oa_credentials")),
    )
    op.create_table(
        "tenant_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_tenant_keys_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenant_keys")),
    )
    op.create_table(
        "conversations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_conversations_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_conversations_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "citizen_id", name=op.f("pk_conversations")),
    )
    op.create_table(
        "dossier_events",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("changed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "dossier_id"],
            ["dossiers.tenant_id", "dossiers.id"],
            name=op.f("fk_dossier_events_tenant_id_dossier_id_dossiers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_dossier_events_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "dossier_id", "number", name=op.f("pk_dossier_events")),
    )
    op.create_table(
        "dossier_proofs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("proved_by", sa.Text(), nullable=False),
        sa.Column("proof_hash", sa.LargeBinary(), nullable=False),
        sa.Column("proved_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("proved_by IN ('secret', 'phone')", name=op.f("ck_dossier_proofs_proved_by")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_dossier_proofs_tenant_id_citizen_id_citizens"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "dossier_id"],
            ["dossiers.tenant_id", "dossiers.id"],
            name=op.f("fk_dossier_proofs_tenant_id_dossier_id_dossiers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_dossier_proofs_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "citizen_id", "dossier_id", name=op.f("pk_dossier_proofs")),
    )
    op.create_table(
        "outbox_messages",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("echo_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column(
            "due_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "caused_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("repeats", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claimed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("zalo_message_id", sa.Text(), nullable=True),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'uncertain', 'failed', 'skipped')",
            name=op.f("ck_outbox_messages_state"),
        ),
        sa.CheckConstraint("lane BETWEEN 0 AND 3", name=op.f("ck_outbox_messages_lane")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "citizen_id"],
            ["citizens.tenant_id", "citizens.id"],
            name=op.f("fk_outbox_messages_tenant_id_citizen_id_citizens"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_outbox_messages_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_outbox_messages")),
        sa.UniqueConstraint("tenant_id", "dedupe_key", name=op.f("uq_outbox_messages_tenant_id_dedupe_key")),
    )
    op.create_index(
        "ix_outbox_messages_open",
        "outbox_messages",
        ["tenant_id", "citizen_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'sending', 'uncertain')"),
    )
    op.create_index(
        "ix_outbox_messages_queued",
        "outbox_messages",
        ["tenant_id", "lane", "seq"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_outbox_messages_zalo_id",
        "outbox_messages",
        ["tenant_id", "zalo_message_id"],
        unique=False,
        postgresql_where=sa.text("zalo_message_id IS NOT NULL"),
    )
    op.create_table(
        "outbox_attempts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("zalo_code", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "message_id"],
            ["outbox_messages.tenant_id", "outbox_messages.id"],
            name=op.f("fk_outbox_attempts_tenant_id_message_id_outbox_messages"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_outbox_attempts_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "message_id", "number", name=op.f("pk_outbox_attempts")),
    )

    for table in TENANT_TABLES:
        for statement in protect(table):
            op.execute(statement)
    for statement in FUNCTIONS:
        op.execute(statement)
    app_role = op.get_context().config.attributes["app_role"]
    op.execute(ensure(app_role))
    for table in REGISTRY_TABLES:
        op.execute(grant(table, "SELECT, INSERT, UPDATE", app_role))
    for table in TENANT_TABLES:
        op.execute(grant(table, "SELECT, INSERT, UPDATE, DELETE", app_role))
    for table in APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {app_role}")
    op.execute(grant("unrouted_events", "SELECT, INSERT", app_role))
    op.execute(grant("alembic_version", "SELECT", app_role))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for function in ("outbox_record", "outbox_claim", "tenants_with_work", "inbox_put"):
        op.execute(f"DROP FUNCTION {function}")
    for table in (*reversed(TENANT_TABLES), "unrouted_events", *reversed(REGISTRY_TABLES)):
        op.execute(f"DROP TABLE {table}")
