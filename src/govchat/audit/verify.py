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
            f'"{written[:100]}": cần SỐ:MÃ_BĂM, số từ 1 và 64 chữ số thập lục phân, như `govchat audit verify` in ra'
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
        return Broken(last.number + 1, "mục này không còn: đã bị xóa")
    columns = {name: getattr(row, name) for name in Entry.__struct_fields__}
    if digest(Entry(**columns)) != row.hash:
        return Broken(row.number, "mục này bị sửa sau khi ghi: mã băm không khớp")
    if row.previous_hash != last.hash:
        return Broken(
            row.number,
            f"mục này không nối tiếp mục {last.number}: một trong hai đã bị thay"
            if last.number
            else "mục đầu tiên lại nối tiếp một mục khác: đã bị thay",
        )
    if expected is not None and expected.number == row.number and expected.hash != row.hash:
        return Broken(row.number, "mục này không phải mục đã ghi lại ở nơi khác: nhật ký đã bị viết lại")
    return None


def _fault_at_end(last: Link, head: queries.Head | None, expected: Link | None) -> Broken | None:
    """What is wrong with where the trail ends."""
    if head is None and last.number:
        return Broken(last.number, "dấu cuối của nhật ký bị xóa: không biết sau mục này còn mục nào bị xóa không")
    if head is not None and head.number > last.number:
        return Broken(last.number + 1, f"dấu cuối cho biết có đến mục {head.number}: phần cuối của nhật ký đã bị xóa")
    if head is not None and head.number < last.number:
        return Broken(head.number + 1, f"dấu cuối dừng ở mục {head.number}: các mục sau đó bị chèn vào")
    if head is not None and head.hash != last.hash:
        return Broken(last.number, "dấu cuối nêu một mục cuối khác: một trong hai đã bị thay")
    if expected is not None and expected.number > last.number:
        return Broken(
            last.number + 1, f"mục {expected.number} đã được ghi lại ở nơi khác nay không còn: phần cuối đã bị xóa"
        )
    return None
