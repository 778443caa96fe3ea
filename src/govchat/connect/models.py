"""Consents under way, what is watched of each webhook, and the files by which Zalo verifies our domain."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow

OUTCOMES = ("connected", "refused")


class ConsentRow(TenantRow, Base):
    """One link that was handed to an administrator of the Official Account; good once, until `expires_at`.

    `used_at` is set when the link comes back, before anything is asked of Zalo. `told` is what the administrator read.
    """

    __tablename__ = "oa_consents"
    __table_args__ = (CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    app_id: Mapped[str]
    oa_id: Mapped[str]
    admin: Mapped[str]
    verifier_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    told: Mapped[str | None]


class WebhookWatchRow(TenantRow, Base):
    """What is known of a province's webhook: how far events are counted, how far Zalo's own list was compared with them.

    `compared_to` is None before the first comparison, which takes up nothing of what was said before.
    """

    __tablename__ = "webhook_watches"

    counted_to: Mapped[UUID | None]
    compared_to: Mapped[datetime | None]
    next_look_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_event_at: Mapped[datetime | None]
    silent_since: Mapped[datetime | None]
    missed: Mapped[int] = mapped_column(server_default="0")


class VerifierRow(Base):
    """A file at the root of our address by which Zalo knows that the domain is ours."""

    __tablename__ = "zalo_verifiers"

    code: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str]
    slug: Mapped[str]
    added_by: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())
