"""Opening and healing incidents, in the transaction of whoever noticed. Both acts may be repeated as often as somebody looks.

The first sight and the end are noted in the audit trail; sights in between only move `updated_at` and the count.
"""

from uuid import UUID

from sqlalchemy import literal_column, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.incidents.models import IncidentRow, Kind
from govchat.kit import clock
from govchat.kit.ids import new_id

ACTOR = "system:incidents"


async def open_(session: AsyncSession, tenant_id: UUID, kind: Kind, subject: str, *, says: str, todo: str) -> bool:
    """There is (still) something wrong with `subject`; answers whether that is news.

    `says` and `todo` are Vietnamese: what is wrong, and who must do what. The newest wording stays.
    """
    now = clock.now()
    fresh = insert(IncidentRow).values(
        tenant_id=tenant_id,
        id=new_id(),
        kind=kind,
        subject=subject,
        says=says,
        todo=todo,
        opened_at=now,
        updated_at=now,
    )
    is_new = await session.scalar(
        fresh.on_conflict_do_update(
            index_elements=["tenant_id", "kind", "subject"],
            index_where=IncidentRow.healed_at.is_(None),
            set_={"says": says, "todo": todo, "updated_at": now, "times": IncidentRow.times + 1},
        ).returning(literal_column("xmax = 0").label("is_new"))  # a row that was updated carries the updater in xmax
    )
    if is_new:
        after = {"says": says, "todo": todo}
        await note(
            session, tenant_id, actor=ACTOR, act="incident.opened", subject=f"{kind.value}:{subject}", after=after
        )
    return bool(is_new)


async def heal(session: AsyncSession, tenant_id: UUID, kind: Kind, subject: str) -> bool:
    """Nothing is wrong with `subject` (any more); answers whether something was."""
    now = clock.now()
    healed = await session.execute(
        update(IncidentRow)
        .where(
            IncidentRow.tenant_id == tenant_id,
            IncidentRow.kind == kind,
            IncidentRow.subject == subject,
            IncidentRow.healed_at.is_(None),
        )
        .values(healed_at=now, updated_at=now)
        .returning(IncidentRow.says, IncidentRow.opened_at, IncidentRow.times)
    )
    was = healed.one_or_none()
    if was is None:
        return False
    before = {"says": was.says, "opened_at": was.opened_at, "times": was.times}
    await note(session, tenant_id, actor=ACTOR, act="incident.healed", subject=f"{kind.value}:{subject}", before=before)
    return True
