"""Forgetting old deliveries: what was delivered, given up or held is kept for thirty days, to be looked at and replayed."""

from datetime import timedelta

from sqlalchemy import delete

from govchat.callbacks.models import CallbackDeliveryRow
from govchat.kit import clock
from govchat.tenants.registry import Registry

KEPT = timedelta(days=30)


async def tidy(registry: Registry) -> int:
    """Delete them for every tenant; answers how many. Meant for once a day."""
    row, gone = CallbackDeliveryRow, 0
    for tenant_id in list(registry.now.tenants):
        async with registry.db.tenant(tenant_id) as session:
            found = await session.execute(
                delete(row)
                .where(
                    row.tenant_id == tenant_id,
                    row.created_at < clock.now() - KEPT,
                    row.state.in_(("delivered", "failed", "held")),
                )
                .returning(row.message_id)
                .execution_options(synchronize_session=False)
            )
            gone += len(found.all())
    return gone
