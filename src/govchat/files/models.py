"""What is kept of each file besides its bytes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class StoredFileRow(TenantRow, Base):
    """One file. `owner` is what it belongs to (`petition:<id>`); after `delete_after` it is deleted. No name: names tell about people."""

    __tablename__ = "stored_files"
    __table_args__ = (
        CheckConstraint("scan IN ('none', 'clean')", name="scan"),
        Index("ix_stored_files_owner", "tenant_id", "owner"),
        Index(
            "ix_stored_files_delete_after",
            "tenant_id",
            "delete_after",
            postgresql_where=text("delete_after IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    scan: Mapped[str]
    delete_after: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
