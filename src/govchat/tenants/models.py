"""The registry's tables (bound to no tenant) and each tenant's keys and credentials (bound to theirs).

`zalo_apps` and `tenants` answer where a webhook or a key belongs before any tenant is known; they hold no personal data.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow

STATES = ("draft", "trial", "live", "suspended", "closed")


class ZaloAppRow(Base):
    """One Zalo app: its webhook key, its secrets (sealed under the master keys) and its limit."""

    __tablename__ = "zalo_apps"
    __table_args__ = (CheckConstraint("signature IN ('observe', 'enforce')", name="signature"),)

    app_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    app_secret_sealed: Mapped[bytes | None]
    oa_secret_sealed: Mapped[bytes | None]
    signature: Mapped[str]
    pkce_mode: Mapped[str]
    requests_per_minute: Mapped[int]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    pkce_verifier_sealed: Mapped[bytes | None]


class TenantRecord(Base):
    """One province: identity, state, the Official Account it speaks through and the manifest it was applied from.

    When `app_id` changes, a trigger keeps the app before it in `former_app_id`: its webhook is accepted until `former_app_until`.
    """

    __tablename__ = "tenants"
    __table_args__ = (CheckConstraint(f"state IN {STATES}", name="state"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    key_tag: Mapped[str] = mapped_column(unique=True)
    full_name: Mapped[str]
    state: Mapped[str]
    app_id: Mapped[str] = mapped_column(ForeignKey("zalo_apps.app_id"), index=True)
    oa_id: Mapped[str] = mapped_column(unique=True)
    manifest: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    former_app_id: Mapped[str | None] = mapped_column(ForeignKey("zalo_apps.app_id"))
    former_app_until: Mapped[datetime | None]


class TenantKeyRow(TenantRow, Base):
    """The tenant's data key, wrapped by a master key: without it the tenant's sealed columns are unreadable.

    A destroyed key leaves its row, empty: applying the manifest again must not make another in its place.
    """

    __tablename__ = "tenant_keys"

    wrapped_key: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    destroyed_at: Mapped[datetime | None]


class OaCredentialRow(TenantRow, Base):
    """The token pair of one Official Account; `generation` rises with every rotation.

    `app_id` is the Zalo app that the consent was given to; a province that moves to another app keeps sending through this one until
    it consents anew. `refresh_claimed_until` is the lease of the one process that is rotating. The previous pair is kept, sealed, for
    forensics. `oa_secret_sealed` is the Official Account's own secret key, where Zalo signs with one.
    """

    __tablename__ = "oa_credentials"
    __table_args__ = (CheckConstraint("state IN ('ok', 'needs_reconsent')", name="state"),)

    oa_id: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str] = mapped_column(server_default="ok")
    access_token_sealed: Mapped[bytes | None]
    refresh_token_sealed: Mapped[bytes | None]
    previous_sealed: Mapped[bytes | None]
    oa_secret_sealed: Mapped[bytes | None]
    access_expires_at: Mapped[datetime | None]
    refresh_issued_at: Mapped[datetime | None]
    refresh_claimed_until: Mapped[datetime | None]
    refresh_claimed_by: Mapped[UUID | None]
    refusal: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    app_id: Mapped[str | None]


class WebhookHourRow(TenantRow, Base):
    """How many events arrived in one hour, by how they were signed: the rhythm of an Official Account, and which variant Zalo uses."""

    __tablename__ = "webhook_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    signature: Mapped[str] = mapped_column(primary_key=True)
    events: Mapped[int]


class TesterRow(TenantRow, Base):
    """Somebody who gets messages while the province is in trial, by the id that its Official Account knows them by."""

    __tablename__ = "tenant_testers"

    zalo_user_id: Mapped[str] = mapped_column(primary_key=True)
    added_at: Mapped[datetime]
    added_by: Mapped[str]


class TrialDayRow(TenantRow, Base):
    """How many messages testers were sent on a day in Vietnam."""

    __tablename__ = "trial_days"
    __table_args__ = (CheckConstraint("sent >= 0", name="sent"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    sent: Mapped[int]


class DeclinedRow(TenantRow, Base):
    """The last day on which somebody who is no tester heard the polite line."""

    __tablename__ = "trial_declined"

    zalo_user_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date]
