"""The citizen asks for a person: noted once, the office hears of it, and they are told when somebody is there."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.callbacks.put import put as put_callback
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.kit.phrases import fill, phrases
from govchat.offices import hours
from govchat.tenants.schema import Agency, Manifest

ROOM = "govchat.handoff"

ASK = text(
    """
    INSERT INTO handoffs AS h (tenant_id, id, citizen_id, opened_at, asked_at) VALUES (:tenant, :id, :citizen, :at, :at)
    ON CONFLICT (tenant_id, citizen_id) WHERE ended_at IS NULL
    DO UPDATE SET asked_at = coalesce(h.asked_at, excluded.asked_at)
    RETURNING id, asked_at = :at AS is_new
    """
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `next_open` is now while the office is open; `words` is what the citizen reads."""

    handoff_id: UUID
    is_new: bool
    open_now: bool
    next_open: datetime
    words: str


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """What the callback `handoff.asked` tells; who it is stands in OA Manager alone."""

    handoff_id: UUID
    asked_at: datetime
    open_now: bool


async def ask(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    manifest: Manifest,
    *,
    agency: Agency | None = None,
    at: datetime | None = None,
) -> Asked:
    """Note the wish and say when somebody is there, by the calendar of the agency or of the province. The bot goes on meanwhile."""
    now = at or clock.now()
    made = await session.execute(ASK, {"tenant": tenant_id, "id": new_id(), "citizen": citizen_id, "at": now})
    row = made.one()
    open_now = hours.is_open_at(manifest, agency, now)
    next_open = hours.next_open(manifest, agency, now)
    if row.is_new:
        await put_callback(
            session, vault, tenant_id, "handoff.asked", Waits(handoff_id=row.id, asked_at=now, open_now=open_now)
        )
    words = _words(manifest, agency, now, next_open, is_new=row.is_new, open_now=open_now)
    return Asked(handoff_id=row.id, is_new=row.is_new, open_now=open_now, next_open=next_open, words=words)


def _words(
    manifest: Manifest, agency: Agency | None, now: datetime, next_open: datetime, *, is_new: bool, open_now: bool
) -> str:
    if open_now:
        return phrases(ROOM)["asked_open" if is_new else "asked_again"]
    today = hours.open_on(manifest, agency, now.astimezone(VN).date())
    if today.is_open:
        return fill(ROOM, "asked_off_hours", next=_moment(next_open))
    why = phrases(ROOM)[f"why_{today.why.value}"] + (f": {today.name}" if today.name else "")
    return fill(ROOM, "asked_closed", why=why, next=_moment(next_open))


def _moment(at: datetime) -> str:
    return phrases(ROOM)["moment"].format(time=f"{at:%H:%M}", day=f"{at:%d/%m/%Y}")
