"""Messages put by hand, and workers that settle doubts within a second instead of half a minute."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.house import House
from tests.journeys.stage import PATIENCE_S, eventually, rows

from govchat import worker
from govchat.citizens import know
from govchat.kit import clock
from govchat.outbox.put import Draft, Lane, put
from govchat.sender import sweep
from govchat.sender import verdict as verdicts
from govchat.tenants.registry import Tenant
from govchat.zalo import messages


def hurry(patch: pytest.MonkeyPatch, stale_s: float = 0.4) -> None:
    """Sweep often, doubt early, retry soon: the same decisions, sooner."""
    patch.setattr(worker, "SWEEP_S", 0.1)
    patch.setattr(sweep, "STALE_AFTER", timedelta(seconds=stale_s))
    patch.setattr(verdicts, "_backoff", lambda attempts: 0.05)


async def say(
    house: House,
    tenant: Tenant,
    user: str,
    *texts: str,
    lane: Lane = Lane.REPLY,
    key: str = "",
    due_at: datetime | None = None,
) -> int:
    """Put messages to one citizen into the outbox, as a conversation would."""
    vault = await house.registry.tenant_vault(tenant.id)
    async with house.registry.db.tenant(tenant.id) as session:
        citizen = await know.know(session, tenant.id, user, by_app=None, interacted_at=clock.now())
        drafts = [
            Draft(
                citizen_id=citizen.id,
                message=messages.texts(user, one, [])[0],
                lane=lane,
                dedupe_key=f"{key or user}:{lane}:{number}:{one}",
                cause="test",
                caused_at=clock.now(),
                due_at=due_at,
            )
            for number, one in enumerate(texts)
        ]
        return await put(session, vault, tenant.id, drafts)


async def states(house: House, tenant: Tenant, user: str) -> list[Any]:
    """The outbox rows of one citizen, in order."""
    return await rows(
        house,
        tenant,
        "SELECT m.* FROM outbox_messages m JOIN citizens c ON c.tenant_id = m.tenant_id AND c.id = m.citizen_id "
        "WHERE m.tenant_id = :tenant AND c.zalo_user_id = :user ORDER BY m.seq",
        user=user,
    )


async def settled(house: House, tenant: Tenant, user: str, *wanted: str, within: float = PATIENCE_S) -> list[Any]:
    """Wait until the citizen's messages are in these states."""
    return await eventually(
        lambda: states(house, tenant, user),
        until=lambda found: [row.state for row in found] == list(wanted),
        within=within,
        what=f"{user}'s messages becoming {wanted}",
    )


async def attempts(house: House, tenant: Tenant, message_id: UUID) -> list[Any]:
    """What was tried for one message."""
    return await rows(
        house,
        tenant,
        "SELECT * FROM outbox_attempts WHERE tenant_id = :tenant AND message_id = :id ORDER BY number",
        id=message_id,
    )
