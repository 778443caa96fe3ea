"""Conversations with a person, and how long the bot keeps still."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class HandoffRow(TenantRow, Base):
    """One hand-off. It begins with an officer's words or the citizen's wish (`asked_at`), and at most one of a citizen is open.

    `officer_at` is when an officer last wrote by hand, None while the citizen still waits for one.
    """

    __tablename__ = "handoffs"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"], ondelete="CASCADE"),
        CheckConstraint("ended_by IN ('silence', 'citizen')", name="ended_by"),
        Index("uq_handoffs_open", "tenant_id", "citizen_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_handoffs_citizen", "tenant_id", "citizen_id", "opened_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    citizen_id: Mapped[UUID]
    opened_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    officer_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class HandoffSettingsRow(TenantRow, Base):
    """After how many minutes without an officer's word the bot answers again."""

    __tablename__ = "handoff_settings"
    __table_args__ = (CheckConstraint("silent_minutes BETWEEN 1 AND 1440", name="silent_minutes"),)

    silent_minutes: Mapped[int] = mapped_column(SmallInteger, server_default=text("30"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
