"""Petitions, what happened to each, and what a province has settled about them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow

KINDS = ("reflection", "proposal", "scene")
STATES = ("received", "assigned", "answered", "reopened", "confirmed", "closed", "forwarded", "merged")


class PetitionRow(TenantRow, Base):
    """One petition. `private_sealed` is the text, the place and who speaks; None once that was erased, as `citizen_id` is.

    `flags`: `anonymous` (the handling office sees no name), `nameless`, `abusive`, `silent` (closed because nobody answered). `delivery` is
    what became of the last answer's message: planned, none (no channel, the office may call), told, test.
    """

    __tablename__ = "petitions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"]),
        ForeignKeyConstraint(["tenant_id", "merged_into"], ["petitions.tenant_id", "petitions.id"]),
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("delivery IN ('planned', 'none', 'told', 'test')", name="delivery"),
        Index("ix_petitions_citizen", "tenant_id", "citizen_id", "id", postgresql_where=text("citizen_id IS NOT NULL")),
        Index(
            "ix_petitions_untold",
            "tenant_id",
            "citizen_id",
            postgresql_where=text("delivery = 'none' AND citizen_id IS NOT NULL"),
        ),
        Index("ix_petitions_state", "tenant_id", "state", "id"),
        # Only what can be late or waits for the citizen stands in these: the work at hand, not the archive.
        Index(
            "ix_petitions_running",
            "tenant_id",
            "due_at",
            postgresql_where=text("state IN ('received', 'assigned', 'reopened') AND overdue_at IS NULL"),
        ),
        Index("ix_petitions_confirm", "tenant_id", "confirm_until", postgresql_where=text("state = 'answered'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    kind: Mapped[str]
    citizen_id: Mapped[UUID | None]
    category: Mapped[str]
    commune: Mapped[str | None]
    state: Mapped[str]
    unit: Mapped[str | None]
    flags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    private_sealed: Mapped[bytes | None]
    received_at: Mapped[datetime]
    forward_by: Mapped[datetime]
    due_at: Mapped[datetime]
    overdue_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    confirm_until: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    reopened: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    merged_into: Mapped[UUID | None]
    delivery: Mapped[str | None]
    delivery_reason: Mapped[str | None]
    last_event: Mapped[int] = mapped_column(server_default=text("0"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PetitionEventRow(TenantRow, Base):
    """One thing that happened to a petition; append-only, but its words (`told_sealed`) may be erased.

    `actor` is `citizen`, `key:<prefix>`, `cli:<user>` or `system:petitions`.
    """

    __tablename__ = "petition_events"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "petition_id"], ["petitions.tenant_id", "petitions.id"], ondelete="CASCADE"),
    )

    petition_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    act: Mapped[str]
    state: Mapped[str]
    unit: Mapped[str | None]
    actor: Mapped[str]
    told_sealed: Mapped[bytes | None]
    at: Mapped[datetime]


class PetitionSettingsRow(TenantRow, Base):
    """What a province promises: working days to the answer by kind (`{"scene": 3}`), how often and how long a citizen may reopen.

    What is not set is the product's dated rule. A province may promise less time than the law gives, never more.
    """

    __tablename__ = "petition_settings"
    __table_args__ = (
        CheckConstraint("most_reopens BETWEEN 1 AND 9", name="most_reopens"),
        CheckConstraint("confirm_days BETWEEN 1 AND 90", name="confirm_days"),
        CheckConstraint("most_a_day BETWEEN 1 AND 50", name="most_a_day"),
    )

    answer_workdays: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    most_reopens: Mapped[int | None] = mapped_column(SmallInteger)
    confirm_days: Mapped[int | None] = mapped_column(SmallInteger)
    most_a_day: Mapped[int | None] = mapped_column(SmallInteger)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
