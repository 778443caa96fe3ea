"""Carrying out an erasure: one transaction a part, each noted on the request, so that a process that dies goes on where it stopped.

What a part has to wait for (an open petition, a message under way) stands in `waits`; the daily act tries again. Before the person's row
loses its name, they are told, when the chat's window is open.
"""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.citizens.models import CitizenRow
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.phrases import fill, overlaid
from govchat.notices.channel import FREE_FOR, MARGIN
from govchat.outbox.put import Draft, Lane, put
from govchat.privacy.handle import PrivacyMoveRefused, held
from govchat.privacy.items import Part
from govchat.privacy.models import PrivacyRequestRow
from govchat.privacy.parts import PARTS, who_is
from govchat.privacy.request import ROOM
from govchat.tenants.phrases import own_phrases
from govchat.tenants.registry import Registry
from govchat.zalo import messages

log = structlog.get_logger()


async def begin(session: AsyncSession, tenant_id: UUID, request_id: UUID, *, actor: str) -> None:
    """The office decides to erase; again changes nothing. Raises `PrivacyRequestNotFound`, `PrivacyMoveRefused`."""
    row = await held(session, tenant_id, request_id)
    if row.state == "erasing":
        return
    if row.kind != "erase" or row.state != "acknowledged":
        raise PrivacyMoveRefused(
            f'request {row.code} is "{row.kind}", "{row.state}": only an acknowledged "erase" can be carried out',
            state=row.state,
        )
    row.state = "erasing"
    await session.flush()
    await note(session, tenant_id, actor=actor, act="privacy.erasing", subject=f"privacy:{row.code}")


async def run(registry: Registry, tenant_id: UUID, request_id: UUID) -> bool:
    """Go through the parts that are left; answers whether all is erased. Safe to repeat and to run twice at once."""
    vault = await registry.tenant_vault(tenant_id)
    for part in PARTS:
        if part.erase is None:
            continue
        async with registry.db.tenant(tenant_id) as session:
            if not await _step(session, vault, tenant_id, request_id, part):
                return False
    async with registry.db.tenant(tenant_id) as session:
        row = await held(session, tenant_id, request_id)
        return row.state == "done"


async def resume(registry: Registry, tenant_id: UUID) -> int:
    """Try every erasure that is not through; answers how many came to their end. Meant for once a day."""
    row = PrivacyRequestRow
    async with registry.db.tenant(tenant_id) as session:
        left = await session.scalars(select(row.id).where(row.tenant_id == tenant_id, row.state == "erasing"))
        ids = left.all()
    done = 0
    for request_id in ids:
        done += await run(registry, tenant_id, request_id)
    return done


async def _step(session: AsyncSession, vault: TenantVault, tenant_id: UUID, request_id: UUID, part: Part) -> bool:
    """One part; answers whether the next may follow."""
    row = await held(session, tenant_id, request_id)
    if row.state == "done" or part.name in row.steps:
        return True
    assert part.erase is not None
    who = await who_is(session, tenant_id, row.citizen_id)
    is_last = part.name == "profile"
    if is_last:
        await _say_goodbye(session, vault, row, clock.now())
    row.waits = sorted(await part.erase(session, tenant_id, who))
    if row.waits:
        log.info("privacy.erasure_waits", part=part.name, waits=len(row.waits))
        return False
    row.steps = [*row.steps, part.name]
    if is_last:
        row.state, row.done_at = "done", clock.now()
    await session.flush()
    if is_last:
        subject = f"privacy:{row.code}"
        await note(
            session,
            tenant_id,
            actor="system:privacy",
            act="privacy.erased",
            subject=subject,
            after={"steps": row.steps},
        )
    return True


async def _say_goodbye(session: AsyncSession, vault: TenantVault, row: PrivacyRequestRow, now: datetime) -> None:
    # Its body goes with the messages' retention; nothing else of the person is left by then.
    citizen = CitizenRow
    found = await session.execute(
        select(citizen.zalo_user_id, func.coalesce(citizen.last_interaction_at, citizen.created_at)).where(
            citizen.tenant_id == row.tenant_id, citizen.id == row.citizen_id
        )
    )
    zalo_id, spoke = found.one()
    if now + MARGIN - spoke > FREE_FOR or zalo_id.startswith("tel:"):
        return
    with overlaid(await own_phrases(session, row.tenant_id, ROOM)):
        said = fill(ROOM, "erased", code=row.code)
    draft = Draft(
        citizen_id=row.citizen_id,
        message=messages.text(zalo_id, said),
        lane=Lane.NOTICE,
        dedupe_key=f"privacy:{row.id}",
        cause=f"privacy:{row.id}",
        caused_at=now,
    )
    await put(session, vault, row.tenant_id, [draft])
