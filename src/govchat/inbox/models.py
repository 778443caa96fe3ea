"""Webhook events as they arrived, each once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class InboxEventRow(TenantRow, Base):
    """One event: the raw body, sealed with the tenant's key, and what became of it.

    `asks` tells events that are answered, in order per citizen, from receipts. `parked` events failed several times and wait for a
    person; the dedupe key outlives the body.
    """

    __tablename__ = "inbox_events"
    __table_args__ = (
        UniqueConstraint("tenant_id", "dedupe_key"),
        CheckConstraint("state IN ('pending', 'done', 'parked')", name="state"),
        Index(
            "ix_inbox_events_citizen", "tenant_id", "user_id", "occurred_at", "seq",
            postgresql_where=text("state = 'pending' AND asks"),
        ),
        Index("ix_inbox_events_asking", "tenant_id", "seq", postgresql_where=text("state = 'pending' AND asks")),
        Index("ix_inbox_events_receipts", "tenant_id", "seq", postgresql_where=text("state = 'pending' AND NOT asks")),
    )  # fmt: skip

    # No foreign key to `tenants`: row-level security already admits only a bound tenant, and the check would lock its row per event.
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-10)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    dedupe_key: Mapped[str]
    event_name: Mapped[str]
    user_id: Mapped[str]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    signature: Mapped[str]
    body_sealed: Mapped[bytes]
    asks: Mapped[bool] = mapped_column(server_default=text("true"))
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    retry_at: Mapped[datetime | None]
    error: Mapped[str | None]
    done_at: Mapped[datetime | None]


class UnroutedEventRow(Base):
    """A signed event of a shared app that names no Official Account: kept for the operator, never guessed to a tenant."""

    __tablename__ = "unrouted_events"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    app_id: Mapped[str]
    event_name: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    body_sealed: Mapped[bytes]
