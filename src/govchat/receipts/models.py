"""The tokens on printed receipts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class ReceiptTokenRow(TenantRow, Base):
    """One token: `ref` is the random part printed in it. A dossier has at most one that is not revoked."""

    __tablename__ = "receipt_tokens"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "dossier_id"], ["dossiers.tenant_id", "dossiers.id"], ondelete="CASCADE"),
        Index(
            "ix_receipt_tokens_valid",
            "tenant_id",
            "dossier_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    ref: Mapped[bytes] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]
