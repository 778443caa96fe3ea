"""Photos that citizens send: fetched, looked at for a code, and forgotten, outside the transaction that answers them.

From pending picture events to what stands in each (`conversation.events.Picture`). Nothing of a picture is kept anywhere; a card of a
person is recognised by what its own QR code holds, and not read any further.
"""

import asyncio
import re
from collections.abc import Mapping
from uuid import UUID

import structlog
from sqlalchemy import text

from govchat.conversation.desk import Desk
from govchat.conversation.events import Picture
from govchat.dossiers.codes import find_codes
from govchat.errors import DomainError
from govchat.files.fetch import fetch
from govchat.inbox.codes_in_picture import read_marks
from govchat.inbox.meaning import picture_of
from govchat.inbox.put import body_context
from govchat.kit import clock
from govchat.receipts import show
from govchat.tenants.registry import Tenant
from govchat.zalo import events

log = structlog.get_logger()

# The photos of an album that are looked at; those beyond are answered unread.
MOST = 4
# Pictures that one process holds and unpacks at the same time: the largest takes 50 MB.
AT_ONCE = 2
_gates: dict[int, asyncio.Semaphore] = {}

WAITING = text(
    """
    SELECT id, body_sealed FROM inbox_events
    WHERE tenant_id = :tenant AND user_id = :user_id AND state = 'pending' AND asks AND event_name = 'user_send_image'
    ORDER BY occurred_at, seq LIMIT 20
    """
)

_RECEIPT = re.compile(r"/q/([A-Za-z0-9_-]{24})(?![A-Za-z0-9_-])")
# What the QR code on an identity card begins with: its number, the number before it, then name and birth.
_PERSON = re.compile(r"\d{12}\|\d{0,12}\|")


class Waiting(Exception):
    """A photo has to be looked at before this event can be answered."""


async def read_waiting(desk: Desk, tenant: Tenant, user_id: str) -> Mapping[UUID, Picture]:
    """What stands in the photos that this citizen waits to be answered for, by event."""
    vault = await desk.registry.tenant_vault(tenant.id)
    async with desk.registry.db.tenant(tenant.id) as session:
        rows = (await session.execute(WAITING, {"tenant": tenant.id, "user_id": user_id})).all()
    found = {row.id: picture_of(events.decode(vault.open(row.body_sealed, body_context(row.id)))) for row in rows}
    asked = [event_id for event_id, url in found.items() if url][:MOST]
    read = await asyncio.gather(*(_read(desk, tenant, found[event_id] or "") for event_id in asked))
    return {**dict.fromkeys(found, Picture()), **dict(zip(asked, read, strict=True))}


async def _read(desk: Desk, tenant: Tenant, url: str) -> Picture:
    """Never raises: a photo that can't be had is one that was not read."""
    assert desk.http is not None
    gate = _gates.setdefault(id(asyncio.get_running_loop()), asyncio.Semaphore(AT_ONCE))
    try:
        async with gate:
            content = await fetch(desk.http, url, desk.registry.settings)
            marks = await asyncio.to_thread(read_marks, content)
        return Picture() if marks is None else await meant_by(desk, tenant, marks)
    except DomainError as error:
        log.info("picture.not_read", tenant=tenant.slug, reason=error.code)
    except Exception as error:
        log.warning("picture.not_read", tenant=tenant.slug, reason=type(error).__name__)
    return Picture()


async def meant_by(desk: Desk, tenant: Tenant, marks: tuple[str, ...]) -> Picture:
    """What the codes in a picture are to this province: a dossier first, a person's card before anything else that is none."""
    today = clock.now().astimezone(clock.VN).date()
    elsewhere: Picture | None = None
    for mark in marks:
        if receipt := _RECEIPT.search(mark):
            genuine = await show.recognise(desk.registry, receipt[1])
            shown = await show.show(desk.registry, genuine) if genuine else None
            if shown is not None and shown.tenant.id == tenant.id:
                return Picture("dossier", (shown.code,))
            if shown is not None:
                elsewhere = Picture("other_province", province=shown.tenant.full_name)
        elif codes := find_codes(mark, today).codes:
            return Picture("dossier", tuple(code.key for code in codes))
    if any(_PERSON.match(mark.strip()) for mark in marks):
        return Picture("person")
    return elsewhere or Picture("foreign" if marks else "nothing")
