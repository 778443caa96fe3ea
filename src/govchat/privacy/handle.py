"""What the office does with a request: carry it out, extend it once, or refuse it with a reason."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.privacy.models import PrivacyRequestRow
from govchat.privacy.request import OPEN, read_note, seal_note
from govchat.privacy.terms import term_of


class PrivacyRequestNotFound(DomainError):
    """This province has no such request."""

    status = 404
    code = "privacy_request_not_found"
    title = "No such request"


class PrivacyMoveRefused(DomainError):
    """The request is not where this act could start."""

    status = 409
    code = "privacy_move_refused"
    title = "The request is in another state"


async def held(session: AsyncSession, tenant_id: UUID, request_id: UUID) -> PrivacyRequestRow:
    """The request, locked; raises `PrivacyRequestNotFound`."""
    row = await session.scalar(
        select(PrivacyRequestRow)
        .where(PrivacyRequestRow.tenant_id == tenant_id, PrivacyRequestRow.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise PrivacyRequestNotFound(f'request "{request_id}" is not known here: GET /v1/privacy-requests lists them')
    return row


async def finish(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    request_id: UUID,
    *,
    state: str,
    words: str | None,
    actor: str,
) -> PrivacyRequestRow:
    """It is `done`, or `refused` with `words` as the reason; an erasure ends by itself. Raises `PrivacyMoveRefused`."""
    row = await held(session, tenant_id, request_id)
    if row.state != "acknowledged" or (row.kind == "erase" and state == "done"):
        raise PrivacyMoveRefused(
            f'request {row.code} is "{row.kind}", "{row.state}": '
            + ("carry it out with POST …/erase" if row.kind == "erase" else "it ended before"),
            state=row.state,
        )
    now = clock.now()
    row.state, row.done_at = state, now
    _append(vault, row, words, now)
    await session.flush()
    await note(session, tenant_id, actor=actor, act=f"privacy.{state}", subject=f"privacy:{row.code}")
    return row


async def extend(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, request_id: UUID, *, words: str, actor: str
) -> PrivacyRequestRow:
    """The one extension that the law allows, for a reason. Raises `PrivacyMoveRefused`."""
    row = await held(session, tenant_id, request_id)
    if row.state not in OPEN or row.extended_at is not None:
        raise PrivacyMoveRefused(
            f'request {row.code} is "{row.state}", extended {row.extended_at or "never"}: an open one is extended once',
            state=row.state,
        )
    now = clock.now()
    row.extended_at = now
    row.due_at = term_of(row.kind, row.received_at).due(row.received_at, extended=True)
    _append(vault, row, words, now)
    await session.flush()
    await note(
        session,
        tenant_id,
        actor=actor,
        act="privacy.extended",
        subject=f"privacy:{row.code}",
        after={"due_at": row.due_at},
    )
    return row


def _append(vault: TenantVault, row: PrivacyRequestRow, words: str | None, now: datetime) -> None:
    if words:
        before = read_note(vault, row.id, row.note_sealed)
        row.note_sealed = seal_note(vault, row.id, "\n".join(filter(None, (before, f"{now:%Y-%m-%d}: {words}"))))
