"""Words waiting to be said, being said, and said."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow

STATES = ("queued", "sending", "sent", "uncertain", "failed", "skipped")


class OutboxMessageRow(TenantRow, Base):
    """One message to one citizen, with its final id.

    `lane` orders: 0 reply, 1 notice, 2 staff, 3 campaign. `seq` orders within a lane and a citizen. `body` is the request to
    Zalo, sealed with the tenant's key; `echo_hash` recognises Zalo's echo of the text. `cause` names what made the message, `caused_at`
    when that reached us.
    """

    __tablename__ = "outbox_messages"
    __table_args__ = (
        UniqueConstraint("tenant_id", "dedupe_key"),
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"]),
        CheckConstraint("lane BETWEEN 0 AND 3", name="lane"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index(
            "ix_outbox_messages_queued", "tenant_id", "lane", "seq", postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_outbox_messages_open", "tenant_id", "citizen_id", postgresql_where=text("state IN ('queued', 'sending', 'uncertain')"),
        ),
        Index(
            "ix_outbox_messages_zalo_id", "tenant_id", "zalo_message_id", postgresql_where=text("zalo_message_id IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    lane: Mapped[int] = mapped_column(SmallInteger)
    dedupe_key: Mapped[str]
    cause: Mapped[str]
    citizen_id: Mapped[UUID]
    body_sealed: Mapped[bytes]
    echo_hash: Mapped[bytes]
    state: Mapped[str] = mapped_column(server_default="queued")
    due_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    caused_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    attempts: Mapped[int] = mapped_column(server_default="0")
    repeats: Mapped[int] = mapped_column(server_default="0")
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[UUID | None]
    zalo_message_id: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]


class OutboxAttemptRow(TenantRow, Base):
    """One try to say a message: when, what Zalo answered."""

    __tablename__ = "outbox_attempts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "message_id"], ["outbox_messages.tenant_id", "outbox_messages.id"], ondelete="CASCADE"
        ),
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str]
    zalo_code: Mapped[int | None]
    kind: Mapped[str | None]
    detail: Mapped[str | None]
