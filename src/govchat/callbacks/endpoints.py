"""Making, changing and removing the addresses of one-stop systems; each act is noted in the audit trail, secrets never."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.callbacks import put as putting
from govchat.callbacks import sign
from govchat.callbacks.claim import disable, release, subject_of
from govchat.callbacks.deliver import secret_context
from govchat.callbacks.guard import Network, check_url
from govchat.callbacks.models import CallbackDeliveryRow, CallbackEndpointRow
from govchat.callbacks.schemas import CallbackChange, CallbackIn, NewCallback
from govchat.errors import DomainError
from govchat.incidents.models import Kind
from govchat.incidents.record import heal
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id

MOST_ENDPOINTS = 5
# How long the secret before a rotation signs as well.
OVERLAP = timedelta(hours=24)


class CallbackNotFound(DomainError):
    """The tenant has no such address."""

    status = 404
    code = "callback_not_found"
    title = "No such callback"


class CallbackLimit(DomainError):
    """A tenant has as many addresses as it may."""

    status = 409
    code = "callback_limit"
    title = "No more callbacks"


class CallbackDisabled(DomainError):
    """Nothing is sent to an address that is disabled."""

    status = 409
    code = "callback_disabled"
    title = "The callback is disabled"


async def add(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    given: CallbackIn,
    allowed: tuple[Network, ...],
    actor: str,
) -> NewCallback:
    """A new address with its secret; raises `CallbackUrlInvalid`, `CallbackLimit`."""
    url = check_url(given.url, allowed)
    held = await session.scalar(
        select(func.count()).select_from(CallbackEndpointRow).where(CallbackEndpointRow.tenant_id == tenant_id)
    )
    if (held or 0) >= MOST_ENDPOINTS:
        raise CallbackLimit(f"this province has {held} callbacks, the most there may be: remove one that is not used")
    endpoint_id, secret = new_id(), sign.new_secret()
    row = CallbackEndpointRow(
        tenant_id=tenant_id,
        id=endpoint_id,
        url=url,
        kinds=sorted(set(given.kinds)),
        description=given.description,
        timeout_s=given.timeout_s,
        secret_sealed=vault.seal(secret.encode(), secret_context(endpoint_id)),
    )
    session.add(row)
    await session.flush()
    await note(session, tenant_id, actor=actor, act="callback.added", subject=subject_of(endpoint_id), after=_told(row))
    return NewCallback(id=endpoint_id, url=url, secret=secret)


async def change(
    session: AsyncSession,
    tenant_id: UUID,
    endpoint_id: UUID,
    given: CallbackChange,
    allowed: tuple[Network, ...],
    actor: str,
) -> None:
    """Bring an address to what is given; raises `CallbackNotFound`, `CallbackUrlInvalid`."""
    row = await get(session, tenant_id, endpoint_id, lock=True)
    before = _told(row)
    row.url = check_url(given.url, allowed)
    row.kinds, row.description, row.timeout_s = sorted(set(given.kinds)), given.description, given.timeout_s
    if row.state != given.state:
        await (release(session, row) if given.state == "enabled" else disable(session, row, "by the province"))
    if _told(row) != before:
        row.updated_at = clock.now()
        await note(
            session, tenant_id, actor=actor, act="callback.changed", subject=subject_of(row.id), before=before, after=_told(row)
        )  # fmt: skip


async def set_state(session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, state: str, actor: str) -> bool:
    """Enable or disable an address, False when it was so before; raises `CallbackNotFound`. Enabling lets go what was held."""
    row = await get(session, tenant_id, endpoint_id, lock=True)
    before = row.state
    if state == "enabled":
        await release(session, row)
    elif before != state:
        await disable(session, row, "by an operator")
    if before == state:
        return False
    await note(
        session, tenant_id, actor=actor, act=f"callback.{state}", subject=subject_of(row.id), before={"state": before},
        after={"state": state},
    )  # fmt: skip
    return True


async def rotate(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, endpoint_id: UUID, actor: str
) -> NewCallback:
    """A new secret; the one before signs as well for a day. Raises `CallbackNotFound`."""
    row = await get(session, tenant_id, endpoint_id, lock=True)
    secret = sign.new_secret()
    row.previous_sealed, row.previous_until = row.secret_sealed, clock.now() + OVERLAP
    row.secret_sealed = vault.seal(secret.encode(), secret_context(row.id))
    row.updated_at = clock.now()
    await session.flush()
    await note(session, tenant_id, actor=actor, act="callback.secret_rotated", subject=subject_of(row.id))
    return NewCallback(id=row.id, url=row.url, secret=secret)


async def remove(session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, actor: str) -> bool:
    """Forget an address and all its deliveries; False when there is none of that id."""
    row = await session.get(CallbackEndpointRow, (tenant_id, endpoint_id), with_for_update=True)
    if row is None:
        return False
    before = _told(row)
    await session.execute(
        delete(CallbackEndpointRow).where(
            CallbackEndpointRow.tenant_id == tenant_id, CallbackEndpointRow.id == endpoint_id
        )
    )
    await heal(session, tenant_id, Kind.ONE_STOP, subject_of(endpoint_id))
    await note(session, tenant_id, actor=actor, act="callback.removed", subject=subject_of(endpoint_id), before=before)
    return True


async def test(session: AsyncSession, vault: TenantVault, tenant_id: UUID, endpoint_id: UUID) -> UUID:
    """Put a `callback.test` for this address; answers the message's id. Raises `CallbackNotFound`, `CallbackDisabled`."""
    row = await get(session, tenant_id, endpoint_id, lock=True)
    _refuse_disabled(row)
    row.rest_until = None
    await session.flush()
    return await putting.put_test(session, vault, tenant_id, endpoint_id)


async def replay(
    session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, since: datetime, *, delivered_too: bool, actor: str
) -> int:
    """Deliver again what was put since then, under the same ids; answers how many. Raises `CallbackNotFound`, `CallbackDisabled`."""
    endpoint = await get(session, tenant_id, endpoint_id, lock=True)
    _refuse_disabled(endpoint)
    row = CallbackDeliveryRow
    again = await session.execute(
        update(row)
        .where(
            row.tenant_id == tenant_id,
            row.endpoint_id == endpoint_id,
            row.created_at >= since,
            row.state.in_(("failed", "delivered") if delivered_too else ("failed",)),
        )
        .values(state="queued", attempts=0, due_at=clock.now(), finished_at=None)
        .returning(row.message_id)
        .execution_options(synchronize_session=False)
    )
    queued = len(again.all())
    await note(
        session, tenant_id, actor=actor, act="callback.replayed", subject=subject_of(endpoint_id),
        after={"since": since.isoformat(), "delivered_too": delivered_too, "queued": queued},
    )  # fmt: skip
    return queued


async def get(session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, *, lock: bool = False) -> CallbackEndpointRow:
    """The address; raises `CallbackNotFound`."""
    row = await session.get(CallbackEndpointRow, (tenant_id, endpoint_id), with_for_update=lock)
    if row is None:
        raise CallbackNotFound(f'callback "{endpoint_id}" is not known here: GET /v1/callbacks lists those that are')
    return row


def _refuse_disabled(row: CallbackEndpointRow) -> None:
    if row.state != "enabled":
        raise CallbackDisabled(f'callback "{row.id}" is disabled ({row.disabled_why}): enable it first')


def _told(row: CallbackEndpointRow) -> dict[str, Any]:
    return {
        "url": row.url, "kinds": list(row.kinds), "description": row.description, "timeout_s": row.timeout_s,
        "state": row.state or "enabled",
    }  # fmt: skip
