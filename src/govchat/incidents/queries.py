"""Reading incidents: of one tenant for people, counted over all tenants for the metric."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.db.session import Database
from govchat.incidents.models import IncidentRow, Kind


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident; open while `healed_at` is None."""

    id: UUID
    kind: Kind
    subject: str
    says: str
    todo: str
    times: int
    opened_at: datetime
    updated_at: datetime
    healed_at: datetime | None


class Open(msgspec.Struct, frozen=True):
    """How many incidents of a kind a tenant has open."""

    tenant: UUID
    kind: Kind
    count: int


async def open_incidents(session: AsyncSession, tenant_id: UUID) -> list[Incident]:
    """What is wrong now, oldest first."""
    rows = await session.scalars(
        select(IncidentRow)
        .where(IncidentRow.tenant_id == tenant_id, IncidentRow.healed_at.is_(None))
        .order_by(IncidentRow.opened_at, IncidentRow.id)
    )
    return [_incident(row) for row in rows]


async def all_incidents(session: AsyncSession, tenant_id: UUID, most: int = 200) -> list[Incident]:
    """The `most` newest, healed ones too, newest first."""
    rows = await session.scalars(
        select(IncidentRow)
        .where(IncidentRow.tenant_id == tenant_id)
        .order_by(IncidentRow.opened_at.desc(), IncidentRow.id.desc())
        .limit(most)
    )
    return [_incident(row) for row in rows]


async def count_open(db: Database) -> list[Open]:
    """Open incidents of every tenant that has any, one statement, each tenant inside its own bounds."""
    async with db.registry() as session:
        rows = await session.execute(text("SELECT tenant, kind, open FROM incidents_open()"))
        return [Open(row.tenant, Kind(row.kind), row.open) for row in rows]


def _incident(row: IncidentRow) -> Incident:
    return Incident(
        id=row.id,
        kind=Kind(row.kind),
        subject=row.subject,
        says=row.says,
        todo=row.todo,
        times=row.times,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        healed_at=row.healed_at,
    )
