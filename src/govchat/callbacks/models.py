"""The addresses of one-stop systems, and what is delivered to each."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class CallbackEndpointRow(TenantRow, Base):
    """One address. `kinds` empty means all; `failures` counts in a row, `failing_since` is when that row began.

    After a rotation the secret before signs as well, until `previous_until`.
    """

    __tablename__ = "callback_endpoints"
    __table_args__ = (
        CheckConstraint("state IN ('enabled', 'disabled')", name="state"),
        CheckConstraint("timeout_s BETWEEN 1 AND 30", name="timeout_s"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str]
    kinds: Mapped[list[str]]
    description: Mapped[str]
    timeout_s: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(server_default="enabled")
    secret_sealed: Mapped[bytes]
    previous_sealed: Mapped[bytes | None]
    previous_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    failing_since: Mapped[datetime | None]
    rest_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_why: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CallbackDeliveryRow(TenantRow, Base):
    """One message for one address. `held`: the address was disabled when it came; enabling lets it go."""

    __tablename__ = "callback_deliveries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "endpoint_id"], ["callback_endpoints.tenant_id", "callback_endpoints.id"], ondelete="CASCADE"
        ),
        CheckConstraint("state IN ('queued', 'sending', 'delivered', 'failed', 'held')", name="state"),
        Index(
            "ix_callback_deliveries_open",
            "tenant_id",
            "endpoint_id",
            "due_at",
            postgresql_where=text("state IN ('queued', 'sending')"),
        ),
        Index("ix_callback_deliveries_created", "tenant_id", "created_at"),
    )

    endpoint_id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    body_sealed: Mapped[bytes]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[UUID | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    finished_at: Mapped[datetime | None]
