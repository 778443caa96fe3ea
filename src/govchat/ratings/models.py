"""One rating per dossier, and how a province asks for them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class RatingRow(TenantRow, Base):
    """What was asked and said of one dossier. `levels` is the scale it was given on, 1 the worst; `unit` the office it speaks of.

    `about_time`, `about_attitude`, `about_clarity` are on the same scale, `extra_costs` whether the citizen paid more than the law asks.
    """

    __tablename__ = "ratings"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "citizen_id"], ["citizens.tenant_id", "citizens.id"]),
        ForeignKeyConstraint(["tenant_id", "dossier_id"], ["dossiers.tenant_id", "dossiers.id"], ondelete="CASCADE"),
        CheckConstraint("state IN ('invited', 'given')", name="state"),
        CheckConstraint("levels = 3 OR levels = 5", name="levels"),
        CheckConstraint(
            "level BETWEEN 1 AND levels AND about_time BETWEEN 1 AND levels AND about_attitude BETWEEN 1 AND levels "
            "AND about_clarity BETWEEN 1 AND levels",
            name="scale",
        ),
        CheckConstraint("(state = 'given') = (level IS NOT NULL AND given_at IS NOT NULL)", name="given"),
        Index("ix_ratings_given", "tenant_id", "given_at", "unit", postgresql_where=text("state = 'given'")),
        Index("ix_ratings_poor", "tenant_id", "id", postgresql_where=text("poor AND seen_at IS NULL")),
        Index("ix_ratings_citizen", "tenant_id", "citizen_id", postgresql_where=text("citizen_id IS NOT NULL")),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    citizen_id: Mapped[UUID | None]
    unit: Mapped[str]
    procedure_code: Mapped[str]
    state: Mapped[str]
    levels: Mapped[int] = mapped_column(SmallInteger)
    level: Mapped[int | None] = mapped_column(SmallInteger)
    about_time: Mapped[int | None] = mapped_column(SmallInteger)
    about_attitude: Mapped[int | None] = mapped_column(SmallInteger)
    about_clarity: Mapped[int | None] = mapped_column(SmallInteger)
    extra_costs: Mapped[bool | None]
    reasons: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    comment_sealed: Mapped[bytes | None]
    poor: Mapped[bool] = mapped_column(server_default=text("false"))
    invited_at: Mapped[datetime | None]
    given_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    seen_by: Mapped[str | None]


class RatingSettingsRow(TenantRow, Base):
    """How a province asks: on three levels or five, and whom (`consented` to surveys, all `followers`, `nobody`)."""

    __tablename__ = "rating_settings"
    __table_args__ = (
        CheckConstraint("levels = 3 OR levels = 5", name="levels"),
        CheckConstraint("invite IN ('consented', 'followers', 'nobody')", name="invite"),
    )

    levels: Mapped[int] = mapped_column(SmallInteger, server_default=text("3"))
    invite: Mapped[str] = mapped_column(server_default="consented")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
