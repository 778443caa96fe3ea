"""Photos that citizens send: fetched, looked at for a code, and forgotten, outside the transaction that answers them.

From pending picture events to what stands in each (`conversation.events.Picture`). A picture is kept for one purpose alone, a petition that
its sender is writing; a card of a person is recognised by what its own QR code holds, not read any further and not kept even then.
"""

import asyncio
import re
from collections.abc import Mapping
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import text

from govchat.conversation.context import Context
from govchat.conversation.desk import Desk
from govchat.conversation.events import Picture
from govchat.conversation.flows.petition import is_fresh
from govchat.conversation.state import State
from govchat.dossiers.codes import find_codes
from govchat.errors import DomainError
from govchat.files.check import FileRefused, FileTooLarge
from govchat.files.fetch import fetch
from govchat.files.keep import keep as store
from govchat.files.scan import FileInfected
from govchat.inbox.codes_in_picture import read_marks
from govchat.inbox.meaning import picture_of
from govchat.inbox.put import body_context
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.text import clean, fold
from govchat.petitions.judge import MOST_PHOTOS
from govchat.receipts import show
from govchat.tenants.registry import Tenant
from govchat.zalo import events
from govchat.zalo.chat_events import MessageEvent
from govchat.zalo.header import Event

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

# What is not kept even while a petition is being written.
_NOT_A_PETITIONS = frozenset({"dossier", "other_province", "person"})
_REFUSED = {FileTooLarge.code: "large", FileRefused.code: "type", FileInfected.code: "infected"}

_RECEIPT = re.compile(r"/q/([A-Za-z0-9_-]{24})(?![A-Za-z0-9_-])")
# What the QR code on an identity card begins with: its number, the number before it, then name and birth.
_PERSON = re.compile(r"\d{12}\|\d{0,12}\|")


_CARD = re.compile(r"\b(?:cccd|cmnd|cmt|can cuoc|chung minh (?:nhan dan|thu)|ho chieu|passport|giay to tuy than)\b")


class Waiting(Exception):
    """A photo has to be looked at before this event can be answered; `keep` when a petition is being written, to which it may belong."""

    def __init__(self, *, keep: bool) -> None:
        super().__init__()
        self.keep = keep


class Seen(msgspec.Struct, frozen=True):
    """What stands in a photo, and whether it was to be kept."""

    picture: Picture
    kept: bool = False


def look_first(state: State, context: Context, known: Seen | None) -> None:
    """Raise `Waiting` for a photo that was not looked at, or not kept for the petition that it may belong to by now."""
    wanted = is_fresh(state, context)
    if known is None or (wanted and not known.kept):
        raise Waiting(keep=wanted)


async def read_waiting(desk: Desk, tenant: Tenant, user_id: str, *, keep: bool) -> Mapping[UUID, Seen]:
    """What stands in the photos that this citizen waits to be answered for, by event; with `keep` those that are no receipt and nobody's
    card are stored."""
    vault = await desk.registry.tenant_vault(tenant.id)
    async with desk.registry.db.tenant(tenant.id) as session:
        rows = (await session.execute(WAITING, {"tenant": tenant.id, "user_id": user_id})).all()
    opened = {row.id: events.decode(vault.open(row.body_sealed, body_context(row.id))) for row in rows}
    found = {event_id: picture_of(event) for event_id, event in opened.items()}
    asked = [event_id for event_id, url in found.items() if url][: MOST_PHOTOS if keep else MOST]
    papers = {event_id: Picture("person") for event_id, event in opened.items() if _says_card(event)}
    asked = [event_id for event_id in asked if event_id not in papers]
    read = await asyncio.gather(*(_read(desk, tenant, vault, found[event_id] or "", keep=keep) for event_id in asked))
    unread = Picture(refused="full" if keep else "")  # more than a petition takes, or than is looked at
    seen = {**dict.fromkeys(found, unread), **dict(zip(asked, read, strict=True)), **papers}
    return {event_id: Seen(_captioned(picture, opened[event_id]), keep) for event_id, picture in seen.items()}


def _says_card(event: Event) -> bool:
    """Whether the words beside a photo say that it is a card of a person: then it is not even fetched."""
    return isinstance(event, MessageEvent) and bool(_CARD.search(fold(clean(event.text, 200))))


def _captioned(picture: Picture, event: Event) -> Picture:
    written = event.text if isinstance(event, MessageEvent) else ""
    return msgspec.structs.replace(picture, caption=written) if written else picture


async def _read(desk: Desk, tenant: Tenant, vault: TenantVault, url: str, *, keep: bool) -> Picture:
    """Never raises: a photo that can't be had is one that was not read."""
    assert desk.http is not None
    gate = _gates.setdefault(id(asyncio.get_running_loop()), asyncio.Semaphore(AT_ONCE))
    refused = "away"
    try:
        async with gate:
            content = await fetch(desk.http, url, desk.registry.settings)
            marks = await asyncio.to_thread(read_marks, content)
            picture = Picture() if marks is None else await meant_by(desk, tenant, marks)
            if not keep or picture.kind in _NOT_A_PETITIONS:
                return picture
            clamd = desk.registry.settings.clamd
            kept = await store(desk.files, vault, tenant.id, content, clamd=clamd)
            return msgspec.structs.replace(picture, photo=kept)
    except DomainError as error:
        log.info("picture.not_read", tenant=tenant.slug, reason=error.code)
        refused = _REFUSED.get(error.code, "away")
    except Exception as error:
        log.warning("picture.not_read", tenant=tenant.slug, reason=type(error).__name__)
    return Picture(refused=refused)


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
