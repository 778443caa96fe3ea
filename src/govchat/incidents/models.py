"""The one table of incidents; at most one is open for a kind and subject of a tenant."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class Kind(StrEnum):
    """What an incident is about."""

    CREDENTIAL = "credential"
    WEBHOOK = "webhook"
    QUOTA = "quota"
    PACKAGE = "package"
    TEMPLATE = "template"
    ONE_STOP = "one_stop"


class IncidentRow(TenantRow, Base):
    """One incident. `subject` tells two of a kind apart (an OA id, a template id); `says` and `todo` are Vietnamese, for staff."""

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint(f"kind IN {tuple(kind.value for kind in Kind)}", name="kind"),
        Index(
            "uq_incidents_open", "tenant_id", "kind", "subject", unique=True, postgresql_where=text("healed_at IS NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    says: Mapped[str]
    todo: Mapped[str]
    times: Mapped[int] = mapped_column(server_default="1")
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    healed_at: Mapped[datetime | None]
