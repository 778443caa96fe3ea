"""The trail's tables: one row an entry, and per tenant the head that the next entry follows."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class AuditEntryRow(TenantRow, Base):
    """One thing that was done. The application role may add rows and read them, never change or delete them."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("octet_length(previous_hash) = 32 AND octet_length(hash) = 32", name="hashes"),
    )

    number: Mapped[int] = mapped_column(BigInteger(), primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    act: Mapped[str]
    subject: Mapped[str]
    before: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]


class AuditHeadRow(TenantRow, Base):
    """The newest entry's number and hash. Its row lock lets one writer of a tenant through at a time, and it tells when the chain's
    end was cut off."""

    __tablename__ = "audit_heads"
    __table_args__ = (CheckConstraint("octet_length(hash) = 32", name="hash"),)

    number: Mapped[int] = mapped_column(BigInteger())
    hash: Mapped[bytes]
