"""Proving a tenant's trail: every entry is as it was written, none is missing, and the end is where the head says.

Shown by the trail alone: entries that were changed, removed, moved or put in between, and a tail that was cut off while the head stayed.
Not shown by it alone: somebody with the owner's rights who rewrites every entry from some point on, head included. Against that,
keep `NUMBER:HASH` of a verification elsewhere and give it as `expected`: the rewritten trail does not contain it.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit import queries
from govchat.audit.chain import NOTHING, Entry, digest
from govchat.audit.models import AuditEntryRow
from govchat.errors import DomainError

PAGE = 1000


class LinkUnreadable(DomainError):
    """A noted link that can't be one."""

    status = 422
    code = "audit_link_unreadable"
    title = "That is no link of an audit trail"


class Link(msgspec.Struct, frozen=True):
    """An entry's number and hash, as somebody kept it outside the database."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"


class Broken(msgspec.Struct, frozen=True):
    """The first link that does not hold."""

    number: int
    why: str


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification found. `head` is `NUMBER:HASH` of the last entry that holds, to be kept elsewhere."""

    entries: int
    head: str
    broken: Broken | None


def read_link(written: str) -> Link:
    """`NUMBER:HASH` as a verification prints it; raises `LinkUnreadable`."""
    number, _, hashed = written.strip().partition(":")
    try:
        link = Link(int(number), bytes.fromhex(hashed))
    except ValueError:
        link = Link(0, b"")
    if link.number < 1 or len(link.hash) != len(NOTHING):
        raise LinkUnreadable(
            f'"{written[:100]}": expected NUMBER:HASH, a number from 1 and 64 hexadecimal digits, as `govchat audit verify` prints it'
        )
    return link


async def verify(session: AsyncSession, tenant_id: UUID, expected: Link | None = None) -> Verified:
    """Walk the chain from its first entry and stop at the first link that does not hold.

    In one transaction of the tenant; what is noted meanwhile is left out.
    """
    head, until = await queries.ends(session, tenant_id)
    last = Link(0, NOTHING)
    while page := await _page(session, tenant_id, last.number, until):
        for row in page:
            broken = _fault(row, last, expected)
            if broken is not None:
                return Verified(entries=last.number, head=str(last), broken=broken)
            last = Link(row.number, row.hash)
        session.expunge_all()
    return Verified(entries=last.number, head=str(last), broken=_fault_at_end(last, head, expected))


async def _page(session: AsyncSession, tenant_id: UUID, after: int, until: int) -> Sequence[AuditEntryRow]:
    rows = await session.scalars(
        select(AuditEntryRow)
        .where(AuditEntryRow.tenant_id == tenant_id, AuditEntryRow.number > after, AuditEntryRow.number <= until)
        .order_by(AuditEntryRow.number)
        .limit(PAGE)
        .execution_options(populate_existing=True)
    )
    return rows.all()


def _fault(row: AuditEntryRow, last: Link, expected: Link | None) -> Broken | None:
    """What is wrong with the entry that must follow `last`."""
    if row.number != last.number + 1:
        return Broken(last.number + 1, "the entry is missing: it was removed")
    columns = {name: getattr(row, name) for name in Entry.__struct_fields__}
    if digest(Entry(**columns)) != row.hash:
        return Broken(row.number, "the entry was changed after it was written: its hash is another")
    if row.previous_hash != last.hash:
        return Broken(
            row.number,
            f"the entry does not follow entry {last.number}: one of the two was replaced"
            if last.number
            else "the first entry follows another one: it was replaced",
        )
    if expected is not None and expected.number == row.number and expected.hash != row.hash:
        return Broken(row.number, "the entry is not the one that was noted elsewhere: the trail was rewritten")
    return None


def _fault_at_end(last: Link, head: queries.Head | None, expected: Link | None) -> Broken | None:
    """What is wrong with where the trail ends."""
    if head is None and last.number:
        return Broken(
            last.number, "the head of the trail was removed: whether entries after this one were too can't be told"
        )
    if head is not None and head.number > last.number:
        return Broken(
            last.number + 1, f"the head tells of entries up to {head.number}: the end of the trail was removed"
        )
    if head is not None and head.number < last.number:
        return Broken(head.number + 1, f"the head ends at entry {head.number}: what stands behind it was put there")
    if head is not None and head.hash != last.hash:
        return Broken(last.number, "the head names another entry as the last: one of the two was replaced")
    if expected is not None and expected.number > last.number:
        return Broken(last.number + 1, f"entry {expected.number} was noted elsewhere and is gone: the end was removed")
    return None
