"""What the checklist remembers: what people confirmed, and what Zalo last said of the Official Account."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class ConfirmationRow(TenantRow, Base):
    """A line that somebody confirmed: `by` as they are known in the office, `actor` as the audit trail names who typed it."""

    __tablename__ = "checklist_confirmations"

    line: Mapped[str] = mapped_column(primary_key=True)
    by: Mapped[str]
    note: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]


class FactRow(TenantRow, Base):
    """Something that was asked outside, and when; replaced by the next answer."""

    __tablename__ = "checklist_facts"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
    at: Mapped[datetime]
