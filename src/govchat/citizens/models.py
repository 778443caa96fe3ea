"""People per Official Account, what they consented to, and where Zalo says they can not be reached."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class CitizenRow(TenantRow, Base):
    """A citizen (người dân) as one Official Account knows them.

    `phone_index` is a keyed hash of the phone number shared through Zalo's form: enough to compare, useless to call. Until
    `muted_until` an officer has the word and the bot keeps still.
    """

    __tablename__ = "citizens"
    __table_args__ = (
        UniqueConstraint("tenant_id", "zalo_user_id"),
        Index("ix_citizens_phone", "tenant_id", "phone_index", postgresql_where=text("phone_index IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    zalo_user_id: Mapped[str]
    user_id_by_app: Mapped[str | None]
    follows: Mapped[bool | None]
    follow_changed_at: Mapped[datetime | None]
    last_interaction_at: Mapped[datetime | None]
    phone_index: Mapped[bytes | None]
    phone_shared_at: Mapped[datetime | None]
    muted_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


PURPOSES = ("status", "phone", "survey", "broadcast")
CHANNELS = ("cs", "uid", "phone")


class ConsentRow(TenantRow, Base):
    """Where a citizen stands on one purpose now; the evidence of how it came to that is in `consent_events`.

    `withdrawn` without an earlier `granted` is an objection: nothing was ever asked for, and nothing is wanted.
    """

    __tablename__ = "consents"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"], ondelete="CASCADE"),
        CheckConstraint(f"purpose IN {PURPOSES}", name="purpose"),
        CheckConstraint("state IN ('granted', 'withdrawn')", name="state"),
    )

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    text_version: Mapped[str | None]
    changed_at: Mapped[datetime]


class ConsentEventRow(TenantRow, Base):
    """One grant or withdrawal: how, when, on which text; append-only, it is the evidence.

    `how` is chat, counter, form or law; `evidence` names the inbox event or the officer's reference, never words of the citizen.
    """

    __tablename__ = "consent_events"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"], ondelete="CASCADE"),
        CheckConstraint(f"purpose IN {PURPOSES}", name="purpose"),
        CheckConstraint("state IN ('granted', 'withdrawn')", name="state"),
        Index("ix_consent_events_citizen", "tenant_id", "citizen_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    citizen_id: Mapped[UUID]
    purpose: Mapped[str]
    state: Mapped[str]
    how: Mapped[str]
    text_version: Mapped[str | None]
    evidence: Mapped[str | None]
    at: Mapped[datetime]


class CitizenBlockRow(TenantRow, Base):
    """A channel on which Zalo said that this citizen can't or won't be reached; `code` is Zalo's.

    On `cs` and `uid` it ends when they next interact, on each channel at `until`, where there is one.
    """

    __tablename__ = "citizen_blocks"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"], ondelete="CASCADE"),
        CheckConstraint(f"channel IN {CHANNELS}", name="channel"),
    )

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[int | None]
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class CitizenPhoneRow(TenantRow, Base):
    """A telephone number that may be written to because its owner consented (`phone`): sealed, with its keyed hash."""

    __tablename__ = "citizen_phones"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"], ondelete="CASCADE"),
    )

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_sealed: Mapped[bytes]
    phone_index: Mapped[bytes]
    kept_at: Mapped[datetime]
