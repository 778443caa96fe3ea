"""API keys of one-stop systems, of which only a hash is kept, and the answers to what they sent under an idempotency key."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class ApiKeyRow(TenantRow, Base):
    """One key: the prefix that may be shown, the SHA-256 of the whole, what it may do and when it was last used."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key_hash"),
        CheckConstraint("mode IN ('live', 'test')", name="mode"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    prefix: Mapped[str]
    key_hash: Mapped[bytes]
    mode: Mapped[str]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class IdempotencyKeyRow(TenantRow, Base):
    """The answer to one POST of one API key, sealed, until it is forgotten; see `access.idempotency`."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "key_id"], ["api_keys.tenant_id", "api_keys.id"], ondelete="CASCADE"),
        Index(None, "tenant_id", "expires_at"),
    )

    key_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int] = mapped_column(SmallInteger)
    content_type: Mapped[str]
    answer_sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
