"""Reading requests about personal data for the office that carries them out."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.models import CitizenRow
from govchat.kit import clock, paging
from govchat.kit.crypto import TenantVault
from govchat.privacy.handle import PrivacyRequestNotFound
from govchat.privacy.models import PrivacyRequestRow
from govchat.privacy.request import OPEN, read_note
from govchat.privacy.schemas import RequestOut, RequestPage

LIST = "privacy_requests"


async def page(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    *,
    cursor: str | None,
    limit: int = paging.DEFAULT_LIMIT,
    only_open: bool = False,
) -> RequestPage:
    """Requests in the order in which they were made. Raises `CursorInvalid`."""
    row = PrivacyRequestRow
    wanted = _with_citizen(tenant_id).order_by(row.id).limit(limit + 1)
    if only_open:
        wanted = wanted.where(row.state.in_(OPEN))
    if cursor is not None:
        wanted = wanted.where(row.id > _uuid(cursor))
    rows = (await session.execute(wanted)).all()
    more = paging.encode(LIST, str(rows[limit - 1][0].id)) if len(rows) > limit else None
    return RequestPage([_out(vault, one, zalo) for one, zalo in rows[:limit]], more)


async def get(session: AsyncSession, vault: TenantVault, tenant_id: UUID, request_id: UUID) -> RequestOut:
    """One request; raises `PrivacyRequestNotFound`."""
    found = (await session.execute(_with_citizen(tenant_id).where(PrivacyRequestRow.id == request_id))).one_or_none()
    if found is None:
        raise PrivacyRequestNotFound(f'request "{request_id}" is not known here: GET /v1/privacy-requests lists them')
    return _out(vault, found[0], found[1])


def _with_citizen(tenant_id: UUID) -> Select[PrivacyRequestRow, str]:
    row, citizen = PrivacyRequestRow, CitizenRow
    on = (citizen.tenant_id == row.tenant_id) & (citizen.id == row.citizen_id)
    return select(row, citizen.zalo_user_id).join(citizen, on).where(row.tenant_id == tenant_id)


def _uuid(cursor: str) -> UUID:
    key = paging.decode(LIST, cursor)
    try:
        return UUID(key)
    except ValueError:
        raise paging.CursorInvalid(f'cursor "{cursor[:80]}" is damaged: begin without one') from None


def _out(vault: TenantVault, row: PrivacyRequestRow, zalo: str) -> RequestOut:
    return RequestOut(
        id=row.id,
        code=row.code,
        kind=row.kind,
        purpose=row.purpose,
        state=row.state,
        citizen=None if zalo.startswith("erased:") else zalo,
        note=read_note(vault, row.id, row.note_sealed),
        received_at=row.received_at,
        acknowledged_at=row.acknowledged_at,
        due_at=row.due_at,
        overdue=row.state in OPEN and clock.now() > row.due_at,
        extended_at=row.extended_at,
        done_at=row.done_at,
        steps=list(row.steps),
        waits=list(row.waits),
    )
