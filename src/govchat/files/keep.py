"""Keeping a file, reading it back, and letting it go.

First `keep` checks, scans, seals and stores the bytes, with no database connection held; then `own` writes the row in the transaction of
whatever the file belongs to. Bytes whose row never came are swept after a day, rows past their date with their bytes.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.files.check import check
from govchat.files.models import StoredFileRow
from govchat.files.scan import scan
from govchat.files.store import FileNotThere, Store
from govchat.kit import clock
from govchat.kit.crypto import SealBroken, TenantVault
from govchat.kit.ids import new_id
from govchat.tenants.registry import Registry

ORPHANED_AFTER = timedelta(days=1)
LET_GO = "nobody"  # whose a file is that was let go by itself


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose bytes are stored; without `own` it goes again."""

    id: UUID
    media_type: str
    size: int
    width: int | None
    height: int | None
    scan: Literal["none", "clean"]


async def keep(store: Store, vault: TenantVault, tenant_id: UUID, content: bytes, *, clamd: str = "") -> Kept:
    """Check, scan, seal and store; raises `FileRefused`, `FileTooLarge`, `FileInfected`, `ScannerAway`, `FilesAway`."""
    scanned = await scan(clamd, content)
    checked = await asyncio.to_thread(check, content)
    file_id = new_id()
    await store.put(tenant_id, file_id, await asyncio.to_thread(vault.seal, checked.content, context(file_id)))
    return Kept(
        id=file_id,
        media_type=checked.media_type,
        size=len(checked.content),
        width=checked.width,
        height=checked.height,
        scan=scanned,
    )


async def own(session: AsyncSession, tenant_id: UUID, kept: Kept, *, owner: str, delete_after: datetime | None) -> None:
    """Say whose file it is (`petition:<id>`) and how long it is kept, in the transaction that makes the owner."""
    session.add(
        StoredFileRow(
            tenant_id=tenant_id,
            id=kept.id,
            owner=owner,
            media_type=kept.media_type,
            size=kept.size,
            width=kept.width,
            height=kept.height,
            scan=kept.scan,
            delete_after=delete_after,
        )
    )
    await session.flush()


async def read(store: Store, vault: TenantVault, tenant_id: UUID, file_id: UUID) -> bytes:
    """The bytes; who may see them is the owner's to judge. Raises `FileNotThere`, also for what does not open, and `FilesAway`."""
    sealed = await store.get(tenant_id, file_id)
    try:
        return await asyncio.to_thread(vault.open, sealed, context(file_id))
    except SealBroken:
        raise FileNotThere(f'file "{file_id}" does not open: another key sealed it, or it is damaged') from None


async def of_owner(session: AsyncSession, tenant_id: UUID, owner: str) -> list[StoredFileRow]:
    """The files of one owner, oldest first."""
    found = await session.scalars(
        select(StoredFileRow)
        .where(StoredFileRow.tenant_id == tenant_id, StoredFileRow.owner == owner)
        .order_by(StoredFileRow.created_at, StoredFileRow.id)
    )
    return list(found)


async def count(session: AsyncSession, tenant_id: UUID, owner: str) -> int:
    """How many files one owner has."""
    owned = select(func.count()).where(StoredFileRow.tenant_id == tenant_id, StoredFileRow.owner == owner)
    return await session.scalar(owned) or 0


async def hand_over(session: AsyncSession, tenant_id: UUID, owner: str, *, to: str) -> int:
    """What was kept for a while belongs to somebody now and stays; answers how many."""
    moved = await session.scalars(
        update(StoredFileRow)
        .where(StoredFileRow.tenant_id == tenant_id, StoredFileRow.owner == owner)
        .values(owner=to, delete_after=None)
        .returning(StoredFileRow.id)
    )
    return len(moved.all())


async def let_go_newest(session: AsyncSession, tenant_id: UUID, owner: str) -> bool:
    """The owner's newest file is nobody's any more and deleted by the next sweep; answers whether there was one."""
    newest = (
        select(StoredFileRow.id)
        .where(StoredFileRow.tenant_id == tenant_id, StoredFileRow.owner == owner)
        .order_by(StoredFileRow.created_at.desc(), StoredFileRow.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    gone = await session.scalars(
        update(StoredFileRow)
        .where(StoredFileRow.tenant_id == tenant_id, StoredFileRow.id == newest)
        .values(owner=LET_GO, delete_after=clock.now())
        .returning(StoredFileRow.id)
    )
    return bool(gone.all())


async def let_go(session: AsyncSession, tenant_id: UUID, owner: str) -> None:
    """The owner is gone: its files are deleted by the next sweep."""
    await session.execute(
        update(StoredFileRow)
        .where(StoredFileRow.tenant_id == tenant_id, StoredFileRow.owner == owner)
        .values(delete_after=clock.now())
    )


async def sweep(store: Store, registry: Registry, tenant_id: UUID) -> int:
    """Delete what is past its date, and bytes without a row; answers how many. Meant for once a day."""
    now = clock.now()
    past = StoredFileRow.delete_after <= now
    async with registry.db.tenant(tenant_id) as session:
        rows = await session.execute(
            select(StoredFileRow.id, past.label("past")).where(StoredFileRow.tenant_id == tenant_id)
        )
        known = {row.id: bool(row.past) for row in rows}
    gone = [file_id for file_id, is_past in known.items() if is_past]
    stray = [
        file_id
        async for file_id, stored_at in store.listed(tenant_id)
        if file_id not in known and stored_at < now - ORPHANED_AFTER
    ]
    # Bytes first: a row without bytes is found again, bytes without a row would be, too.
    for file_id in (*gone, *stray):
        await store.delete(tenant_id, file_id)
    if gone:
        async with registry.db.tenant(tenant_id) as session:
            await session.execute(
                delete(StoredFileRow).where(StoredFileRow.tenant_id == tenant_id, StoredFileRow.id.in_(gone))
            )
    return len(gone) + len(stray)


def context(file_id: UUID) -> str:
    """Where a file stands, for sealing."""
    return f"stored_files/{file_id}"
