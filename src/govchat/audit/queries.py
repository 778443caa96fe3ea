"""Reading the trail: entries in order, and where it ends."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.models import AuditEntryRow, AuditHeadRow


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as people and scripts read it; hashes in hexadecimal."""

    number: int
    at: datetime
    actor: str
    act: str
    subject: str
    before: Any
    after: Any
    previous_hash: str
    hash: str


class Head(msgspec.Struct, frozen=True):
    """The number and hash of the newest entry."""

    number: int
    hash: bytes


async def last(session: AsyncSession, tenant_id: UUID, most: int) -> list[Shown]:
    """The `most` newest entries, oldest first."""
    rows = await session.scalars(
        select(AuditEntryRow)
        .where(AuditEntryRow.tenant_id == tenant_id)
        .order_by(AuditEntryRow.number.desc())
        .limit(most)
    )
    return [
        Shown(
            number=row.number,
            at=row.at,
            actor=row.actor,
            act=row.act,
            subject=row.subject,
            before=row.before,
            after=row.after,
            previous_hash=row.previous_hash.hex(),
            hash=row.hash.hex(),
        )
        for row in reversed(rows.all())
    ]


async def ends(session: AsyncSession, tenant_id: UUID) -> tuple[Head | None, int]:
    """The tenant's head, None when nothing was ever noted, and the highest number in its trail, as of one moment."""
    highest = select(func.coalesce(func.max(AuditEntryRow.number), 0)).where(AuditEntryRow.tenant_id == tenant_id)
    only = select(literal(1).label("one")).subquery()
    row = (
        await session.execute(
            select(AuditHeadRow.number, AuditHeadRow.hash, highest.scalar_subquery().label("highest"))
            .select_from(only)
            .outerjoin(AuditHeadRow, AuditHeadRow.tenant_id == tenant_id)
        )
    ).one()
    return (None if row.number is None else Head(row.number, row.hash)), row.highest
