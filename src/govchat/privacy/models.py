"""What citizens asked about their data, how long a province keeps things, and what the last sweep did."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow

KINDS = ("know", "export", "correct", "erase", "withdraw", "restrict", "object")
STATES = ("acknowledged", "erasing", "done", "refused")


class PrivacyRequestRow(TenantRow, Base):
    """One request (yêu cầu của chủ thể dữ liệu), acknowledged as it is made. It outlives what it asked to erase: it is the proof.

    `steps` are the parts of an erasure that are done, `waits` what keeps it from ending (open petitions). `note_sealed` holds the words of
    the citizen and of the office.
    """

    __tablename__ = "privacy_requests"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"]),
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index("ix_privacy_requests_citizen", "tenant_id", "citizen_id"),
        Index(
            "ix_privacy_requests_open",
            "tenant_id",
            "due_at",
            postgresql_where=text("state IN ('acknowledged', 'erasing')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    citizen_id: Mapped[UUID]
    kind: Mapped[str]
    purpose: Mapped[str | None]
    state: Mapped[str]
    note_sealed: Mapped[bytes | None]
    received_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime]
    due_at: Mapped[datetime]
    extended_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    steps: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    waits: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))


class RetentionSettingRow(TenantRow, Base):
    """For how many days a province keeps something, where that differs from the product's table."""

    __tablename__ = "retention_settings"
    __table_args__ = (CheckConstraint("days BETWEEN 1 AND 36500", name="days"),)

    what: Mapped[str] = mapped_column(primary_key=True)
    days: Mapped[int]
    set_by: Mapped[str]
    set_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RetentionRunRow(TenantRow, Base):
    """What the last sweep of one kind did; `more` when it stopped at its bound before it was through."""

    __tablename__ = "retention_runs"

    what: Mapped[str] = mapped_column(primary_key=True)
    ran_at: Mapped[datetime]
    gone: Mapped[int]
    more: Mapped[bool]
