"""Noting what was done, in the transaction that does it: both are kept, or neither.

Acts of every room above come here with plain values; a row goes into `audit_entries`, chained to the tenant's entry before it.
"""

from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.chain import NOTHING, Entry, digest, storable, text
from govchat.audit.models import AuditEntryRow, AuditHeadRow
from govchat.kit import clock


async def note(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    actor: str,
    act: str,
    subject: str,
    before: object | None = None,
    after: object | None = None,
) -> None:
    """Record that `actor` (`cli:<user>`, `key:<prefix>`, `system:<part>`) did `act` (`tenant.moved`) to `subject`.

    `before` and `after` are JSON or msgspec structs, never secrets or citizens' data. Writers of one tenant wait for each other from
    here until they commit: note last, after the rows that the act itself locks.
    """
    # The newest head, locked, made when the tenant has none. Its own value is set so that the row is locked and read as committed.
    head = (
        await session.execute(
            postgresql.insert(AuditHeadRow)
            .values(tenant_id=tenant_id, number=0, hash=NOTHING)
            .on_conflict_do_update(index_elements=["tenant_id"], set_={"number": AuditHeadRow.number})
            .returning(AuditHeadRow.number, AuditHeadRow.hash)
        )
    ).one()
    entry = Entry(
        tenant_id=tenant_id,
        number=head.number + 1,
        at=clock.now(),
        actor=text(actor),
        act=text(act),
        subject=text(subject),
        before=storable(before),
        after=storable(after),
        previous_hash=head.hash,
    )
    hashed = digest(entry)
    columns = {name: getattr(entry, name) for name in Entry.__struct_fields__}
    await session.execute(insert(AuditEntryRow).values(**columns, hash=hashed))
    await session.execute(
        update(AuditHeadRow).where(AuditHeadRow.tenant_id == tenant_id).values(number=entry.number, hash=hashed)
    )
