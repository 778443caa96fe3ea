"""Dossiers, their status events, the rules of their deadlines, who proved them and who guesses."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class DossierRow(TenantRow, Base):
    """One dossier (hồ sơ) as the system of record last told it.

    `code` is as given, `code_key` its normalised shape (see `dossiers.codes`). What needs proof (applicant, officer, note,
    results) is one sealed value. The secret and the phone are keyed hashes. `first_due_at` is the first appointment, `flags` what was
    irregular (see `dossiers.moves`), `last_event` the number of the newest event.
    """

    __tablename__ = "dossiers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code_key"),
        CheckConstraint("status BETWEEN 1 AND 10", name="status"),
        Index("ix_dossiers_flagged", "tenant_id", "id", postgresql_where=text("flags <> '{}'")),
        # Only what can be late stands here: an index of the work at hand, not of the archive.
        Index(
            "ix_dossiers_running",
            "tenant_id",
            "due_at",
            postgresql_where=text("status IN (2, 4) AND overdue_at IS NULL"),
        ),
        # What waits to be accepted.
        Index(
            "ix_dossiers_waiting",
            "tenant_id",
            "registered_at",
            postgresql_where=text("status = 1 AND overdue_at IS NULL"),
        ),
        # Fresh results, for whoever is asked how it went.
        Index("ix_dossiers_finished", "tenant_id", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    code_key: Mapped[str]
    procedure_code: Mapped[str]
    status: Mapped[int] = mapped_column(SmallInteger)
    unit: Mapped[str]
    received_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    due_given: Mapped[bool]
    changed_at: Mapped[datetime]
    private_sealed: Mapped[bytes]
    secret_hash: Mapped[bytes | None]
    phone_index: Mapped[bytes | None]
    content_hash: Mapped[bytes]
    sub_status: Mapped[str | None]
    first_due_at: Mapped[datetime | None]
    registered_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]
    reappointments: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    last_event: Mapped[int] = mapped_column(server_default=text("0"))
    flags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DossierEventRow(TenantRow, Base):
    """One change of a dossier, in the order it was told; append-only. `told_sealed` holds the officer and the note of that change."""

    __tablename__ = "dossier_events"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "dossier_id"], ["dossiers.tenant_id", "dossiers.id"], ondelete="CASCADE"),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[int] = mapped_column(SmallInteger)
    unit: Mapped[str]
    changed_at: Mapped[datetime]
    old_status: Mapped[int | None] = mapped_column(SmallInteger)
    sub_status: Mapped[str | None]
    due_at: Mapped[datetime | None]
    flags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    told_sealed: Mapped[bytes | None]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class DossierRuleRow(TenantRow, Base):
    """How one office or one procedure counts its deadlines; `subject` is the office's folded name or the procedure's code."""

    __tablename__ = "dossier_rules"
    __table_args__ = (CheckConstraint("kind IN ('office', 'procedure')", name="kind"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DossierProofRow(TenantRow, Base):
    """A citizen proved to be entitled to a dossier: by the secret on the receipt or by an equal phone number."""

    __tablename__ = "dossier_proofs"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "dossier_id"], ["dossiers.tenant_id", "dossiers.id"], ondelete="CASCADE"),
        CheckConstraint("proved_by IN ('secret', 'phone')", name="proved_by"),
    )

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    proved_by: Mapped[str]
    proof_hash: Mapped[bytes]
    proved_at: Mapped[datetime]


class LookupFailureRow(TenantRow, Base):
    """Failed look-ups of one subject: a citizen (`c:<id>`) or a dossier code (`d:<key>`), existing or not."""

    __tablename__ = "lookup_failures"

    subject: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_failed_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]
