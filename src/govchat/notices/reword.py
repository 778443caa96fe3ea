"""A province's own words for its notices: saved in versions, never overwritten, always checked first."""

from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.kit import clock
from govchat.notices.kinds import Kind
from govchat.notices.models import NoticeWordingRow
from govchat.notices.wording import read, shipped_texts

Source = Literal["file", "admin"]


class Version(msgspec.Struct, frozen=True):
    """One version; `text` None means the product's own words from then on."""

    kind: str
    version: int
    text: str | None
    saved_by: str
    saved_at: str


async def save(session: AsyncSession, tenant_id: UUID, kind: Kind, text: str | None, *, actor: str) -> int:
    """Speak so from now on; answers the version. `text` None returns to the product's words. Raises `WordingInvalid`."""
    version = await add_version(session, tenant_id, kind, text, actor=actor, source="admin")
    await note(
        session, tenant_id, actor=actor, act="notice.reworded", subject=f"notice:{kind}",
        after={"version": version, "words": "product" if text is None else "own"},
    )  # fmt: skip
    return version


async def add_version(
    session: AsyncSession, tenant_id: UUID, kind: Kind, text: str | None, *, actor: str, source: Source
) -> int:
    """Add the words as the newest version, without a note in the audit trail. Raises `WordingInvalid`."""
    if text is not None:
        read(kind, text)
        text = text.strip()
    last = await session.scalar(
        select(func.max(NoticeWordingRow.version)).where(
            NoticeWordingRow.tenant_id == tenant_id, NoticeWordingRow.kind == kind
        )
    )
    version = (last or 0) + 1
    session.add(
        NoticeWordingRow(
            tenant_id=tenant_id,
            kind=kind.value,
            version=version,
            text=text,
            saved_by=actor,
            saved_at=clock.now(),
            source=source,
        )
    )
    await session.flush()
    return version


async def own_words(session: AsyncSession, tenant_id: UUID) -> dict[Kind, NoticeWordingRow]:
    """The newest version of every kind that this province ever had in its own words."""
    rows = await session.scalars(
        select(NoticeWordingRow)
        .where(NoticeWordingRow.tenant_id == tenant_id)
        .order_by(NoticeWordingRow.kind, NoticeWordingRow.version)
    )
    known = set(Kind)
    return {Kind(row.kind): row for row in rows if row.kind in known}


async def versions(session: AsyncSession, tenant_id: UUID, kind: Kind) -> list[Version]:
    """Every version of a kind, newest first."""
    rows = await session.scalars(
        select(NoticeWordingRow)
        .where(NoticeWordingRow.tenant_id == tenant_id, NoticeWordingRow.kind == kind)
        .order_by(NoticeWordingRow.version.desc())
    )
    return [Version(row.kind, row.version, row.text, row.saved_by, row.saved_at.isoformat()) for row in rows]


async def current(session: AsyncSession, tenant_id: UUID) -> dict[Kind, tuple[int, str]]:
    """The words of every kind with their version; 0 is the product's."""
    own = await own_words(session, tenant_id)
    told: dict[Kind, tuple[int, str]] = {}
    for kind, text in shipped_texts().items():
        row = own.get(kind)
        told[kind] = (row.version if row else 0, row.text if row and row.text is not None else text)
    return told
