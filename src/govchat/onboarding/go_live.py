"""Moving a province from state to state, with its checklist at hand: the same transaction reads the lines and makes the move."""

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.onboarding.checklist import read
from govchat.procedures.book import View
from govchat.settings import Settings
from govchat.tenants import states
from govchat.tenants.registry import Tenant


async def move(
    session: AsyncSession,
    settings: Settings,
    tenant: Tenant,
    to: str,
    *,
    catalogue: View,
    actor: str,
    override: str | None = None,
) -> str:
    """Move `tenant` to the state `to`; answers the state it was in.

    Going live is refused while a red line stands, unless `override` says why it must be. Raises `states.MoveRefused`,
    `states.NotReady`, `states.OverrideUnusable`.
    """
    red = (await read(session, settings, tenant, catalogue)).red if to == "live" else []
    return await states.move(session, tenant.id, to, actor=actor, red=red, override=override)
