"""What the ledger of rates keeps: promises of processes that take from Redis, and what was granted without Redis.

Not of a tenant: a window may be an app's, which provinces share. Nobody's data stands here.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base


class RatePromiseRow(Base):
    """Until `until`, this process takes no more than `ceiling` from the window called `name` within any window's length."""

    __tablename__ = "rate_promises"
    __table_args__ = (Index("ix_rate_promises_until", "until"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[UUID] = mapped_column(primary_key=True)
    ceiling: Mapped[int]
    until: Mapped[datetime]


class RateSlotRow(Base):
    """How much was granted from a window without Redis, within one second (`slot`, since 1970)."""

    __tablename__ = "rate_slots"

    name: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    taken: Mapped[int]
