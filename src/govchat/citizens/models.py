"""People per Official Account."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from govchat.db.base import Base, TenantRow


class CitizenRow(TenantRow, Base):
    """A citizen (người dân) as one Official Account knows them.

    `phone_index` is a keyed hash of the phone number shared through Zalo's form: enough to compare, useless to call.
    """

    __tablename__ = "citizens"
    __table_args__ = (UniqueConstraint("tenant_id", "zalo_user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    zalo_user_id: Mapped[str]
    user_id_by_app: Mapped[str | None]
    follows: Mapped[bool | None]
    follow_changed_at: Mapped[datetime | None]
    last_interaction_at: Mapped[datetime | None]
    phone_index: Mapped[bytes | None]
    phone_shared_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
