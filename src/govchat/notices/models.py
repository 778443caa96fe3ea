"""Followers of dossiers, notices with their decisions, wordings, templates, budgets and the daily promise."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow

_CITIZEN = (["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"])
_DOSSIER = (["tenant_id", "dossier_id"], ["dossiers.tenant_id", "dossiers.id"])


class DossierFollowerRow(TenantRow, Base):
    """A citizen who is told of a dossier's changes, and by what right.

    `proof_hash` is the dossier's phone when `how` is `phone`: the right ends when the dossier names another number. Until
    `hushed_until` they know of the change themselves: they caused it in the chat. `actor` is who linked them at the counter.
    """

    __tablename__ = "dossier_followers"
    __table_args__ = (
        ForeignKeyConstraint(*_CITIZEN, ondelete="CASCADE"),
        ForeignKeyConstraint(*_DOSSIER, ondelete="CASCADE"),
        CheckConstraint("how IN ('secret', 'phone', 'counter')", name="how"),
        Index("ix_dossier_followers_citizen", "tenant_id", "citizen_id", postgresql_where=text("ended_at IS NULL")),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    how: Mapped[str]
    proof_hash: Mapped[bytes | None]
    actor: Mapped[str | None]
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    hushed_until: Mapped[datetime | None]


class NoticeRow(TenantRow, Base):
    """What one citizen is to be told of one change, and why it is said this way: the record of the decision.

    `decision` holds consent, window, quiet hours, budget and what stood against each channel. `facts_sealed` is the change, kept for saying
    it on another channel.

    `state`: planned (there is a message), merged into a newer notice, none (no channel, the office sees it), withheld (not wanted, not
    allowed, or known already), test (decided for a test key, never said).
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "dossier_id", "number", "citizen_id"),
        ForeignKeyConstraint(*_CITIZEN, ondelete="CASCADE"),
        ForeignKeyConstraint(*_DOSSIER, ondelete="CASCADE"),
        CheckConstraint("state IN ('planned', 'merged', 'none', 'withheld', 'test')", name="state"),
        Index("ix_notices_of", "tenant_id", "dossier_id", "citizen_id", "planned_at"),
        Index("ix_notices_unsaid", "tenant_id", "planned_at", postgresql_where=text("state = 'none'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID]
    number: Mapped[int]
    citizen_id: Mapped[UUID]
    kind: Mapped[str]
    state: Mapped[str]
    channel: Mapped[str | None]
    reason: Mapped[str]
    decision: Mapped[dict[str, Any]]
    facts_sealed: Mapped[bytes]
    wording_version: Mapped[int]
    message_id: Mapped[UUID | None]
    merged_into: Mapped[UUID | None]
    caused_at: Mapped[datetime]
    planned_at: Mapped[datetime]
    due_at: Mapped[datetime | None]


class NoticeTryRow(TenantRow, Base):
    """A notice on one channel: the message, what it was to cost, what came back from the phone.

    `number` counts the channels tried. `money`: none, reserved, spent or refunded, in đồng of the month `period`.
    """

    __tablename__ = "notice_tries"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "notice_id"], ["notices.tenant_id", "notices.id"], ondelete="CASCADE"),
        CheckConstraint("channel IN ('cs', 'cs_paid', 'uid', 'phone')", name="channel"),
        CheckConstraint("money IN ('none', 'reserved', 'spent', 'refunded')", name="money"),
        Index("ix_notice_tries_notice", "tenant_id", "notice_id"),
        Index("ix_notice_tries_planned", "tenant_id", "planned_at"),
        Index("ix_notice_tries_reserved", "tenant_id", "message_id", postgresql_where=text("money = 'reserved'")),
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    notice_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(SmallInteger)
    channel: Mapped[str]
    template_id: Mapped[str | None]
    cost: Mapped[int]
    money: Mapped[str]
    period: Mapped[str]
    held: Mapped[bool] = mapped_column(Boolean)
    planned_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]


class NoticeWordingRow(TenantRow, Base):
    """A province's own words for one kind of notice; the highest version speaks. `text` None returns to the product's words.

    `source`: an admin, or the file in the tenant's folder.
    """

    __tablename__ = "notice_wordings"
    __table_args__ = (CheckConstraint("source IN ('file', 'admin')", name="source"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(server_default="admin")


class NoticeSettingsRow(TenantRow, Base):
    """What a province pays for: đồng a month, messages between 48 hours and 7 days, what Zalo last said of its allowance, when
    it was last asked for its templates."""

    __tablename__ = "notice_settings"
    __table_args__ = (CheckConstraint("monthly_budget >= 0 AND cs_price >= 0", name="amounts"),)

    monthly_budget: Mapped[int] = mapped_column(server_default="0")
    paid_window: Mapped[bool] = mapped_column(server_default=text("false"))
    cs_price: Mapped[int] = mapped_column(server_default="55")
    daily_quota: Mapped[int | None]
    unpaid_until: Mapped[datetime | None]
    templates_asked_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class NoticeBudgetRow(TenantRow, Base):
    """What was reserved and spent in a month (`2026-11`), and how many notices were planned on a day (`2026-11-22`)."""

    __tablename__ = "notice_budgets"

    period: Mapped[str] = mapped_column(primary_key=True)
    reserved: Mapped[int] = mapped_column(server_default="0")
    spent: Mapped[int] = mapped_column(server_default="0")
    messages: Mapped[int] = mapped_column(server_default="0")
    by_phone: Mapped[int] = mapped_column(server_default="0")


class ZbsTemplateRow(TenantRow, Base):
    """An approved-message template (mẫu tin ZBS) as Zalo last described it; `params` are name, type, lengths, whether required.

    `status` is Zalo's word: ENABLE alone is sent. `price_uid` None: not by user id. `quota` is what Zalo allows a day, None: not said.
    """

    __tablename__ = "zbs_templates"

    template_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    status: Mapped[str]
    quality: Mapped[str]
    tag: Mapped[str]
    params: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    price_uid: Mapped[int | None]
    price_phone: Mapped[int | None]
    at_night: Mapped[bool] = mapped_column(server_default=text("false"))
    quota: Mapped[int | None]
    reason: Mapped[str | None]
    changed_at: Mapped[datetime | None]
    synced_at: Mapped[datetime]


class TemplateUseRow(TenantRow, Base):
    """Which template says a kind of notice, and which fact fills each of its parameters; `source` as for wordings."""

    __tablename__ = "template_uses"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "template_id"], ["zbs_templates.tenant_id", "zbs_templates.template_id"], ondelete="CASCADE"
        ),
        CheckConstraint("source IN ('file', 'admin')", name="source"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    template_id: Mapped[str]
    fields: Mapped[dict[str, Any]]
    mapped_by: Mapped[str]
    mapped_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(server_default="admin")


class PromiseDayRow(TenantRow, Base):
    """One day of the promise: notices accepted that day, and how many Zalo had within 10 and 60 seconds.

    Notices held on purpose (quiet hours, a change within the minute) are counted in `held` alone.
    """

    __tablename__ = "promise_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    accepted: Mapped[int]
    handed: Mapped[int]
    within_10: Mapped[int]
    within_60: Mapped[int]
    held: Mapped[int]
    failed: Mapped[int]
    added_up_at: Mapped[datetime]
