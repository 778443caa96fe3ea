"""Dossiers, their status events, who proved them and who guesses."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, SmallInteger, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class DossierRow(TenantRow, Base):
    """One dossier (hồ sơ) as the system of record last told it.

    `code` is as given, `code_key` its normalised shape (see `dossiers.codes`). What needs proof (applicant, officer, note,
    results) is one sealed value. The secret and the phone are keyed hashes.
    """

    __tablename__ = "dossiers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code_key"),
        CheckConstraint("status BETWEEN 1 AND 10", name="status"),
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
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DossierEventRow(TenantRow, Base):
    """One change of a dossier, in the order it was told; append-only."""

    __tablename__ = "dossier_events"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "dossier_id"], ["dossiers.tenant_id", "dossiers.id"], ondelete="CASCADE"),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[int] = mapped_column(SmallInteger)
    unit: Mapped[str]
    changed_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


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
