"""Where each citizen's conversation stands, and the sentences that a province says in its own words."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class ConversationRow(TenantRow, Base):
    """One citizen's state as the flows wrote it; small, bounded, without personal data beyond dossier codes."""

    __tablename__ = "conversations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"], ondelete="CASCADE"),
    )

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]


class TenantWordingRow(TenantRow, Base):
    """One version of a sentence in a province's own words; the newest of a key counts, without text it is the product's again.

    `source` tells whether a file of `tenants/SLUG/` or an admin wrote it: applying a file never overwrites an admin's.
    """

    __tablename__ = "tenant_wordings"
    __table_args__ = (
        CheckConstraint("source IN ('file', 'admin')", name="source"),
        CheckConstraint("version >= 1", name="version"),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str | None]
    source: Mapped[str]
    edited_by: Mapped[str]
    edited_at: Mapped[datetime]
