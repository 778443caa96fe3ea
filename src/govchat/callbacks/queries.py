"""Reading the addresses and what became of their deliveries."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.callbacks.endpoints import get
from govchat.callbacks.models import CallbackDeliveryRow, CallbackEndpointRow
from govchat.callbacks.schemas import CallbackOut, DeliveryOut

MOST_SHOWN = 200


async def callbacks_of(session: AsyncSession, tenant_id: UUID, endpoint_id: UUID | None = None) -> list[CallbackOut]:
    """Every address of the tenant, or the one, with what waits and what was given up."""
    row = CallbackDeliveryRow
    counted = await session.execute(
        select(
            row.endpoint_id,
            func.count().filter(row.state.in_(("queued", "sending", "held"))).label("waiting"),
            func.count().filter(row.state == "failed").label("failed"),
        )
        .where(row.tenant_id == tenant_id, row.state != "delivered")
        .group_by(row.endpoint_id)
    )
    counts = {each.endpoint_id: (each.waiting, each.failed) for each in counted}
    found = select(CallbackEndpointRow).where(CallbackEndpointRow.tenant_id == tenant_id)
    if endpoint_id is not None:
        found = found.where(CallbackEndpointRow.id == endpoint_id)
    return [
        CallbackOut(
            id=each.id,
            url=each.url,
            kinds=each.kinds,
            description=each.description,
            timeout_s=each.timeout_s,
            state=each.state,
            failing_since=each.failing_since,
            disabled_at=each.disabled_at,
            disabled_why=each.disabled_why,
            created_at=each.created_at,
            waiting=counts.get(each.id, (0, 0))[0],
            failed=counts.get(each.id, (0, 0))[1],
        )
        for each in await session.scalars(found.order_by(CallbackEndpointRow.created_at, CallbackEndpointRow.id))
    ]


async def callback(session: AsyncSession, tenant_id: UUID, endpoint_id: UUID) -> CallbackOut:
    """One address; raises `CallbackNotFound`."""
    await get(session, tenant_id, endpoint_id)
    return (await callbacks_of(session, tenant_id, endpoint_id))[0]


async def deliveries_of(
    session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, state: str | None = None
) -> list[DeliveryOut]:
    """The newest deliveries of an address, at most 200; raises `CallbackNotFound`."""
    await get(session, tenant_id, endpoint_id)
    row = CallbackDeliveryRow
    chosen = select(row).where(row.tenant_id == tenant_id, row.endpoint_id == endpoint_id)
    if state is not None:
        chosen = chosen.where(row.state == state)
    return [
        DeliveryOut(
            message_id=each.message_id,
            kind=each.kind,
            state=each.state,
            attempts=each.attempts,
            created_at=each.created_at,
            due_at=each.due_at,
            last_status=each.last_status,
            last_error=each.last_error,
            finished_at=each.finished_at,
        )
        for each in await session.scalars(
            chosen.order_by(row.created_at.desc(), row.message_id.desc()).limit(MOST_SHOWN)
        )
    ]
