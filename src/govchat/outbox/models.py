"""Words waiting to be said, being said, and said."""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow

STATES = ("queued", "sending", "sent", "uncertain", "failed", "skipped")


class OutboxMessageRow(TenantRow, Base):
    """One message to one citizen, with its final id.

    `delivered_at` and `seen_at` are of answers and staff messages; those of notices stand with their tries.

    `lane` orders: 0 reply, 1 notice, 2 staff, 3 campaign. `seq` orders within a lane and a citizen. `body` is the request to
    Zalo, sealed with the tenant's key; `echo_hash` recognises Zalo's echo of the text. `cause` names what made the message, `caused_at`
    when that reached us.

    A message of a campaign has no body of its own: `body_ref` names the one that all its recipients share, `channel` and `cost` (đồng)
    are decided when it is claimed. It is put once for each recipient (`uq_outbox_messages_recipient`), all others once for their
    `dedupe_key`. No foreign key leads to the body, which is never deleted, nor from such a message to its citizen, which the statement
    that puts it has just read: a million checks would cost as much as the rows. Of all other messages the citizen is checked
    (`own_citizen_id`), and that proves the tenant, too.
    """

    __tablename__ = "outbox_messages"
    __table_args__ = (
        UniqueConstraint("tenant_id", "dedupe_key"),
        ForeignKeyConstraint(["tenant_id", "own_citizen_id"], ["citizens.tenant_id", "citizens.id"]),
        CheckConstraint("lane BETWEEN 0 AND 3", name="lane"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("(body_sealed IS NULL) = (body_ref IS NOT NULL)", name="one_body"),
        CheckConstraint("dedupe_key IS NOT NULL OR body_ref IS NOT NULL", name="once"),
        Index(
            "uq_outbox_messages_recipient", "tenant_id", "citizen_id", "body_ref", unique=True,
            postgresql_where=text("body_ref IS NOT NULL"),
        ),
        Index(
            "ix_outbox_messages_queued", "tenant_id", "lane", "seq",
            postgresql_where=text("state = 'queued' AND body_ref IS NULL"),
        ),
        # Messages of campaigns stand in an index of their own, in the order in which they come due: a campaign that rests, or a
        # million recipients in front of it, costs nobody else's claim anything.
        Index(
            "ix_outbox_messages_shared", "tenant_id", "body_ref", "due_at",
            postgresql_where=text("state = 'queued' AND body_ref IS NOT NULL"),
        ),
        Index(
            "ix_outbox_messages_doubt", "tenant_id", "claimed_at",
            postgresql_where=text("state IN ('sending', 'uncertain') AND settled_by IS NULL"),
        ),
        Index(
            "ix_outbox_messages_open", "tenant_id", "citizen_id", postgresql_where=text("state IN ('queued', 'sending', 'uncertain')"),
        ),
        Index(
            "ix_outbox_messages_zalo_id", "tenant_id", "zalo_message_id", postgresql_where=text("zalo_message_id IS NOT NULL"),
        ),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-10)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    lane: Mapped[int] = mapped_column(SmallInteger)
    dedupe_key: Mapped[str | None]
    cause: Mapped[str]
    citizen_id: Mapped[UUID]
    own_citizen_id: Mapped[UUID | None] = mapped_column(
        Computed("CASE WHEN body_ref IS NULL THEN citizen_id END", persisted=True)
    )
    body_sealed: Mapped[bytes | None]
    echo_hash: Mapped[bytes]
    state: Mapped[str] = mapped_column(server_default="queued")
    due_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    caused_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    attempts: Mapped[int] = mapped_column(server_default="0")
    repeats: Mapped[int] = mapped_column(server_default="0")
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[UUID | None]
    zalo_message_id: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    body_ref: Mapped[UUID | None]
    channel: Mapped[str | None]
    cost: Mapped[int | None]
    delivered_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]


class OutboxAttemptRow(TenantRow, Base):
    """One try to say a message: when, what Zalo answered."""

    __tablename__ = "outbox_attempts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "message_id"], ["outbox_messages.tenant_id", "outbox_messages.id"], ondelete="CASCADE"
        ),
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str]
    zalo_code: Mapped[int | None]
    kind: Mapped[str | None]
    detail: Mapped[str | None]


class OutboxBodyRow(TenantRow, Base):
    """What all recipients of one campaign are told (`id` is the campaign's), and what holds for each of them when they are claimed.

    `is_open` False rests them all at once. `rank` orders the campaigns of a province. Prices in đồng; None: that way is closed.
    `template_id` is what says it by user id. `ceiling` is what may be spent, `reserved` what claims have set aside. The six before
    `refreshed_at` are counts that `outbox_tallies` still adds to. At `refreshed_at` hours, prices and picture were last as they should be.
    """

    __tablename__ = "outbox_bodies"
    __table_args__ = (Index("ix_outbox_bodies_open", "tenant_id", "rank", "id", postgresql_where=text("is_open")),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    is_open: Mapped[bool]
    rank: Mapped[int] = mapped_column(SmallInteger)
    body_sealed: Mapped[bytes]
    by_cs: Mapped[bool]
    price_cs: Mapped[int | None]
    price_uid: Mapped[int | None]
    is_promotion: Mapped[bool]
    quiet_from: Mapped[time | None]
    quiet_to: Mapped[time | None]
    fields: Mapped[list[str]]
    list_id: Mapped[UUID | None]
    ceiling: Mapped[int]
    template_id: Mapped[str | None]
    reserved: Mapped[int] = mapped_column(server_default="0")
    planned: Mapped[int] = mapped_column(server_default="0")
    sent: Mapped[int] = mapped_column(server_default="0")
    uncertain: Mapped[int] = mapped_column(server_default="0")
    failed: Mapped[int] = mapped_column(server_default="0")
    skipped: Mapped[int] = mapped_column(server_default="0")
    spent: Mapped[int] = mapped_column(server_default="0")
    refreshed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OutboxTallyRow(TenantRow, Base):
    """A message of a campaign reached or left a final state: written by a trigger, folded into the body's counts by and by.

    Rows that are only added make nobody wait; one counter would stand in the way of every process that records. `refund` is what was set
    aside for a message that nobody got (đồng).
    """

    __tablename__ = "outbox_tallies"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-10)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    body_ref: Mapped[UUID]
    state: Mapped[str]
    by: Mapped[int] = mapped_column(SmallInteger)
    cost: Mapped[int]
    refund: Mapped[int] = mapped_column(server_default="0")


class PromotionDayRow(TenantRow, Base):
    """The last day on which somebody was sent a promotion, and by which message: Zalo and the law allow one a day."""

    __tablename__ = "promotion_days"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"], ondelete="CASCADE"),
    )

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date]
    message_id: Mapped[UUID]


class TemplateDayRow(TenantRow, Base):
    """How many messages were claimed with a template on a day, and how many of them to telephone numbers; `spent` once Zalo has said that
    it allows no more. The row without a template stands for what the whole account may send to telephone numbers."""

    __tablename__ = "template_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    template_id: Mapped[str] = mapped_column(primary_key=True)
    taken: Mapped[int] = mapped_column(server_default="0")
    by_phone: Mapped[int] = mapped_column(server_default="0")
    spent: Mapped[bool] = mapped_column(server_default=text("false"))


class TemplateReturnRow(TenantRow, Base):
    """A message that was counted on a day of its template and that Zalo did not take: written by a trigger, added up by readers."""

    __tablename__ = "template_returns"

    day: Mapped[date] = mapped_column(primary_key=True)
    template_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    by_phone: Mapped[bool]
