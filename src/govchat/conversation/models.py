"""Where each citizen's conversation stands."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint
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
