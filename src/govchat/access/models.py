"""API keys of one-stop systems: only a hash is kept."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint, func
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
