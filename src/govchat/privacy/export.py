"""The export: one document with everything that is kept about a citizen, from every room."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.privacy.items import Item
from govchat.privacy.parts import PARTS, who_is


class Section(Struct, kw_only=True):
    """One kind of data; `stays` says why it would outlive an erasure."""

    name: str
    items: list[Item]
    stays: str | None


class Export(Struct, kw_only=True):
    """Everything kept about one citizen at a moment. Dossiers are named by code: their contents are the one-stop system's."""

    made_at: datetime
    sections: list[Section]


async def export(session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID) -> Export:
    """Read it all; raises `CitizenGone`. The document is handed on and kept nowhere."""
    who = await who_is(session, tenant_id, citizen_id)
    sections = [
        Section(name=part.name, items=await part.kept_about(session, vault, tenant_id, who), stays=part.stays)
        for part in PARTS
    ]
    return Export(made_at=clock.now(), sections=sections)
