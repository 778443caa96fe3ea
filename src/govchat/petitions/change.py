"""The life of a petition: which act leads from which state to which, and writing it down with its event and its callback.

received → assigned → answered → confirmed, or reopened by the citizen and on again; closed, forwarded and merged are the office's ends.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.callbacks.put import put as put_callback
from govchat.errors import DomainError
from govchat.kit.crypto import TenantVault
from govchat.petitions import codes
from govchat.petitions.models import PetitionEventRow, PetitionRow
from govchat.petitions.private import Told, seal_told
from govchat.petitions.schemas import Happened

OPEN = frozenset({"received", "assigned", "reopened"})
# act → (states it starts from, the state it leads to)
MOVES: Mapping[str, tuple[frozenset[str], str]] = MappingProxyType(
    {
        "created": (frozenset[str](), "received"),
        "added": (OPEN, ""),  # the citizen adds to it: it stays where it is
        "assigned": (OPEN, "assigned"),
        "answered": (OPEN | {"answered"}, "answered"),
        "closed": (OPEN | {"answered"}, "closed"),
        "forwarded": (OPEN, "forwarded"),
        "merged": (OPEN, "merged"),
        "confirmed": (frozenset({"answered"}), "confirmed"),
        "reopened": (frozenset({"answered", "confirmed", "closed"}), "reopened"),
    }
)
ENDS = frozenset({"confirmed", "closed", "forwarded", "merged"})


class PetitionNotFound(DomainError):
    """This province has no petition of that code."""

    status = 404
    code = "petition_not_found"
    title = "No such petition"


class PetitionMoveRefused(DomainError):
    """The petition is not where this act could start."""

    status = 409
    code = "petition_move_refused"
    title = "The petition is in another state"


async def held(session: AsyncSession, tenant_id: UUID, code: str) -> PetitionRow:
    """The petition of a code in any written shape, locked; raises `PetitionNotFound`."""
    kept = codes.normalise(code)
    row = None
    if kept is not None:
        found = select(PetitionRow).where(PetitionRow.tenant_id == tenant_id, PetitionRow.code == kept)
        row = await session.scalar(found.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise PetitionNotFound(f'petition "{code[:40]}" is not known here: compare it with GET /v1/petitions')
    return row


def allow(row: PetitionRow, act: str) -> None:
    """Raise `PetitionMoveRefused` unless `act` may be done now."""
    starts, _ = MOVES[act]
    if row.state not in starts:
        raise PetitionMoveRefused(
            f'petition {row.code} is "{row.state}": "{act}" starts from {", ".join(sorted(starts)) or "nothing"}',
            state=row.state,
        )


async def move(
    session: AsyncSession,
    vault: TenantVault,
    row: PetitionRow,
    act: str,
    *,
    actor: str,
    at: datetime,
    told: Told | None = None,
) -> int:
    """Do `act`, which was allowed: state, event and callback; answers the event's number. The row's other columns are the caller's."""
    row.state = MOVES[act][1] or row.state
    row.closed_at = at if row.state in ENDS else None
    row.last_event += 1
    row.updated_at = at
    session.add(
        PetitionEventRow(
            tenant_id=row.tenant_id,
            petition_id=row.id,
            number=row.last_event,
            act=act,
            state=row.state,
            unit=row.unit,
            actor=actor,
            told_sealed=seal_told(vault, row.id, row.last_event, told or Told()),
            at=at,
        )
    )
    await session.flush()
    await put_callback(session, vault, row.tenant_id, f"petition.{act}", happened(row, at))
    return row.last_event


def happened(row: PetitionRow, at: datetime) -> Happened:
    """What a callback tells: where the petition stands, without words and names."""
    return Happened(
        code=row.code,
        kind=row.kind,
        category=row.category,
        commune=row.commune,
        state=row.state,
        unit=row.unit,
        received_at=row.received_at,
        due_at=row.due_at,
        reopened=row.reopened,
        flags=sorted(row.flags),
        at=at,
    )
