"""Campaigns, what audiences are made from (labels, uploaded lists), and pictures."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow

STATES = ("draft", "approved", "scheduled", "running", "paused", "cancelled", "done")
CLASSES = ("announcement", "promotion", "emergency")
_CITIZEN = (["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"])


class CampaignRow(TenantRow, Base):
    """One campaign (chiến dịch gửi tin). `message_sealed` holds the words; `audience` what its segment compiles from.

    `cursor` is the last citizen that the fan-out has looked at, `expanded` True when there is nobody after them, `swept` True when a
    cancelled campaign has nothing left in the outbox. `reserved_in` is the month whose budget holds `max_cost`. `trouble` says why it
    stands still. `way` says whether each recipient is told or Zalo broadcasts an article: `article_token` until Zalo has made it, then
    `article_id`; `broadcast_at` is set before Zalo is asked, `broadcast_id` is its answer.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint(f"class IN {CLASSES}", name="class"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("max_cost >= 0", name="max_cost"),
        CheckConstraint("way IN ('personal', 'broadcast')", name="way"),
        Index(
            "ix_campaigns_under_way", "tenant_id", "id",
            postgresql_where=text("state IN ('approved', 'scheduled', 'running') OR (state = 'cancelled' AND NOT swept)"),
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    class_: Mapped[str] = mapped_column("class")
    state: Mapped[str]
    message_sealed: Mapped[bytes]
    audience: Mapped[dict[str, Any]]
    send_at: Mapped[datetime | None]
    max_cost: Mapped[int]
    test: Mapped[bool]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    paused_from: Mapped[str | None]
    cursor: Mapped[UUID | None]
    expanded: Mapped[bool] = mapped_column(server_default=text("false"))
    swept: Mapped[bool] = mapped_column(server_default=text("false"))
    reserved_in: Mapped[str | None]
    trouble: Mapped[str | None]
    way: Mapped[str | None]
    article_token: Mapped[str | None]
    article_id: Mapped[str | None]
    broadcast_at: Mapped[datetime | None]
    broadcast_id: Mapped[str | None]


class CampaignSettingsRow(TenantRow, Base):
    """What a province has settled: where expansion pauses, and who may approve emergencies: actors, or a role by its scope
    (nobody named: every approver)."""

    __tablename__ = "campaign_settings"
    __table_args__ = (CheckConstraint("most_unsent >= 1", name="most_unsent"),)

    most_unsent: Mapped[int]
    emergency_by: Mapped[list[str]]


class CitizenLabelRow(TenantRow, Base):
    """What a province knows of a citizen to choose by: the commune (xã, phường) they live in, and tags. `folded` is what is compared."""

    __tablename__ = "citizen_labels"
    __table_args__ = (
        ForeignKeyConstraint(*_CITIZEN, ondelete="CASCADE"),
        CheckConstraint("kind IN ('commune', 'tag')", name="kind"),
        Index("ix_citizen_labels_folded", "tenant_id", "kind", "folded", "citizen_id"),
    )

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    folded: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]


class AudienceListRow(TenantRow, Base):
    """A list of people that was uploaded or given as ids; `problems` names lines and what is wrong with them, never whom they name."""

    __tablename__ = "audience_lists"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    lines: Mapped[int]
    known: Mapped[int]
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class AudienceMemberRow(TenantRow, Base):
    """A citizen on a list; `fields_sealed` holds what the list says of them for the words of a message."""

    __tablename__ = "audience_members"
    __table_args__ = (
        ForeignKeyConstraint(*_CITIZEN, ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["tenant_id", "list_id"], ["audience_lists.tenant_id", "audience_lists.id"], ondelete="CASCADE"
        ),
    )

    list_id: Mapped[UUID] = mapped_column(primary_key=True)
    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    fields_sealed: Mapped[bytes | None]


class CampaignPictureRow(TenantRow, Base):
    """A picture for messages, drawn anew; `attachment_id` is Zalo's, for the account `oa_id`, until `expires_at`."""

    __tablename__ = "campaign_pictures"
    __table_args__ = (
        Index("ix_campaign_pictures_wanted", "tenant_id", "id", postgresql_where=text("attachment_id IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    content_sealed: Mapped[bytes]
    attachment_id: Mapped[str | None]
    oa_id: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    trouble: Mapped[str | None]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
