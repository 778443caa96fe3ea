"""Filing and completing petitions for a citizen in the event's transaction, telling how theirs stand, and the last word on an answer.

From asks about petitions to what the flow is told. What came before the words is held here: photos by a draft's name, a place sealed into a
token, the words in the event that brought them.
"""

import base64
import binascii
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.conversation import asks, payloads
from govchat.conversation.context import Context
from govchat.conversation.events import Button, Held, Petitioned, Told
from govchat.conversation.wording import words
from govchat.kit.clock import VN
from govchat.kit.crypto import SealBroken, TenantVault
from govchat.petitions import add, categories, file, lookup, settle, within
from govchat.petitions.add import Holds, More
from govchat.zalo import events as zalo_events
from govchat.zalo.chat_events import MessageEvent

# What a petition is about when its words name no category.
_USUAL = {"reflection": "service", "proposal": "rules"}
_LONGEST_ANSWER = 1000
_PLACE = msgspec.msgpack.Decoder(tuple[float, float])

WORDS = text(
    """
    SELECT e.body_sealed FROM inbox_events e JOIN citizens c ON c.tenant_id = e.tenant_id AND c.zalo_user_id = e.user_id
    WHERE e.tenant_id = :tenant AND e.id = :id AND c.id = :citizen
    """
)


async def hold(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    ask: asks.HoldForPetition,
    evidence: str,
) -> Held:
    """Keep a photo, a place or this message's words until the petition is filed."""
    if ask.photo is not None:
        try:
            return Held(photos=await add.hold_photo(session, tenant_id, citizen_id, ask.draft, ask.photo))
        except add.PetitionFull:
            return Held(full=True)
    if ask.place is not None:
        sealed = vault.seal(msgspec.msgpack.encode(ask.place), _place_context(citizen_id))
        return Held(place=base64.urlsafe_b64encode(sealed).decode())
    return Held(words_of=evidence.partition(":")[2])


async def file_petition(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    ask: asks.FilePetition,
    context: Context,
) -> Petitioned | Told:
    """File it under a code, with what was kept for it."""
    said = ask.text or await _words_of(session, vault, tenant_id, citizen_id, ask.words_of)
    if not said:  # erased or let go since
        return Told(words(f"petition.text_{ask.kind}"), (Button(words("button.petition"), payloads.PETITION),))
    said = "\n".join(filter(None, (said, ask.more)))
    place = _opened(vault, citizen_id, ask.place) or (None, None)
    suggested = categories.suggest(said)
    new = file.New(
        kind=ask.kind,
        text=said,
        category=suggested[0].key if suggested else _USUAL.get(ask.kind, categories.OTHER),
        commune=within.commune_in(said),
        latitude=place[0],
        longitude=place[1],
        name=within.name_in(said),
        anonymous=within.wants_no_name(said),
    )
    filed = await file.file(
        session, vault, tenant_id, citizen_id, new,
        photos=(ask.photo,) if ask.photo else (),
        photos_of=add.draft_owner(citizen_id, ask.draft) if ask.draft else "",
        at=context.now,
    )  # fmt: skip
    holds = await add.add(session, vault, tenant_id, citizen_id, filed.code, More(), at=context.now)
    key = "petition.filed" if filed.is_new else "petition.filed_before"
    told = words(
        key,
        code=filed.code,
        category=categories.title_of(holds.category),
        forward=_day(filed.forward_by),
        due=_day(filed.due_at),
    )
    return petitioned(holds, told)


async def add_to(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    ask: asks.AddToPetition | asks.DropPhoto,
    context: Context,
) -> Petitioned | Held | Told:
    """Add to one's own, take the last photo back, or look at what it holds."""
    if isinstance(ask, asks.DropPhoto):
        return await _drop_photo(session, vault, tenant_id, citizen_id, ask, context)
    more = More(
        photo=ask.photo, place=ask.place, commune=ask.commune, name=ask.name, anonymous=ask.anonymous,
        category=ask.category, note=ask.note,
    )  # fmt: skip
    holds = await add.add(session, vault, tenant_id, citizen_id, ask.code, more, at=context.now)
    if ask.photo is not None:
        return petitioned(holds, words("petition.photo_added", count=holds.photos), is_photo=True)
    told = ""
    if ask.place is not None:
        told = words("petition.place_added")
    elif ask.commune is not None:
        told = words("petition.commune_added", commune=holds.commune or "")
        told = f"{told} {words('petition.note_added')}" if ask.note else told
    elif ask.category is not None:
        told = words("petition.category_added", category=categories.title_of(holds.category))
    elif ask.anonymous:
        told = words("petition.anonymous_added")
    elif ask.name is not None:
        told = words("petition.name_added")
    elif ask.note is not None:
        told = words("petition.note_added")
    return petitioned(holds, told)


async def _drop_photo(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, ask: asks.DropPhoto, context: Context
) -> Petitioned | Held | Told:
    """Let the photo go that was sent last."""
    if ask.draft:
        left = await add.drop_held_photo(session, tenant_id, citizen_id, ask.draft)
        return Told(words("media.none_kept")) if left is None else Held(photos=left, dropped=True)
    holds = await add.drop_photo(session, vault, tenant_id, citizen_id, ask.code, at=context.now)
    return Told(words("media.none_kept")) if holds is None else petitioned(holds, words("petition.photo_dropped"))


async def about_petition(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, ask: asks.Petition, context: Context
) -> Petitioned | Told:
    """How one stands, that it is resolved, or that it is not."""
    code = ask.code or await _meant(session, vault, tenant_id, citizen_id, ask.act)
    if not code:
        return await own_petitions(session, vault, tenant_id, citizen_id)
    if ask.act in ("withdraw", "amend"):
        return await _take_back(session, vault, tenant_id, citizen_id, code, ask.act, context)
    if ask.act == "confirm":
        row = await settle.confirm(session, vault, tenant_id, citizen_id, code, at=context.now)
        return Told(words("petition.confirmed", code=row.code), (_own_button(),))
    if ask.act == "reopen":
        row = await settle.reopen(session, vault, tenant_id, citizen_id, code, at=context.now)
        told = words("petition.reopened", code=row.code, due=_day(row.due_at))
        return Petitioned(code=row.code, text=told, wants=("why",))
    found = await lookup.status_of(session, vault, tenant_id, citizen_id, code)
    return Told(words("petition.unknown"), (_own_button(),)) if found is None else _standing(found)


async def _meant(session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, act: str) -> str:
    """The petition that a word without a code is about: the newest that waits for a last one, or that is still being handled."""
    found = await lookup.own(session, vault, tenant_id, citizen_id)
    open_ = act in ("withdraw", "amend")
    return next((one.code for one in found if (one.can_add if open_ else one.can_confirm)), "")


async def _take_back(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, code: str, act: str, context: Context
) -> Petitioned:
    """The office is told that the citizen wants it back; or the citizen is asked what is to be changed. Both stand in its events."""
    note = words("petition.withdraw_note") if act == "withdraw" else None
    held = await add.add(session, vault, tenant_id, citizen_id, code, More(note=note), at=context.now)
    if act == "amend":
        return Petitioned(code=held.code, text="", wants=("note",))
    return msgspec.structs.replace(petitioned(held, words("petition.withdrawn", code=held.code)), wants=(), over=True)


def _standing(found: lookup.Standing) -> Told:
    lines = [words("petition.head", title=found.kind_title, code=found.code, state=found.state_title)]
    if found.unit:
        lines.append(words("dossier.unit", unit=found.unit))
    lines.append(words("petition.dates", received=_day(found.received_at), due=_day(found.due_at)))
    if found.overdue:
        lines.append(words("petition.overdue"))
    if found.answer:
        lines.append(words("petition.answer", answer=found.answer[:_LONGEST_ANSWER]))
    buttons = []
    if found.can_confirm:
        buttons.append(_act("petition_confirm", "confirm", found.code))
    if found.can_reopen:
        buttons.append(_act("petition_reopen", "reopen", found.code))
    if found.can_add:
        buttons.append(_act("petition_more", "more", found.code))
    return Told("\n".join(lines), (*buttons, _own_button()))


async def own_petitions(session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID) -> Told:
    """What this citizen has filed."""
    found = await lookup.own(session, vault, tenant_id, citizen_id)
    if not found:
        return Told(words("petition.none"), (Button(words("button.petition"), payloads.PETITION),))
    lines = [words("petition.mine", count=len(found))]
    lines += [words("petition.mine_line", code=one.code, state=one.state_title) for one in found]
    buttons = tuple(
        Button(
            words("button.one_petition", code=one.code), payloads.spelled(payloads.PETITION_CODE, "status", one.code)
        )
        for one in found[:4]
    )
    return Told("\n".join(lines), (*buttons, Button(words("button.petition"), payloads.PETITION)))


def petitioned(holds: Holds, told: str, *, is_photo: bool = False) -> Petitioned:
    """What a petition holds, for the flow."""
    return Petitioned(
        code=holds.code,
        text=told,
        photos=holds.photos,
        has_place=holds.has_place,
        commune=holds.commune or "",
        category=categories.title_of(holds.category),
        wants=holds.wants,
        is_photo=is_photo,
    )


def _act(title: str, act: str, code: str) -> Button:
    return Button(words(f"button.{title}"), payloads.spelled(payloads.PETITION_CODE, act, code))


def _own_button() -> Button:
    return Button(words("button.my_petitions"), payloads.MY_PETITIONS)


def _day(at: datetime) -> str:
    return f"{at.astimezone(VN):%d/%m/%Y}"


def _place_context(citizen_id: UUID) -> str:
    return f"petition_draft.place/{citizen_id}"


def _opened(vault: TenantVault, citizen_id: UUID, token: str) -> tuple[float, float] | None:
    """The place of a token; None for none, and for one that does not open."""
    try:
        return _PLACE.decode(vault.open(base64.urlsafe_b64decode(token), _place_context(citizen_id))) if token else None
    except (binascii.Error, ValueError, SealBroken, msgspec.MsgspecError):
        return None


async def _words_of(session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, event_id: str) -> str:
    """What this citizen wrote in that message; empty when it is gone."""
    try:
        wanted = UUID(event_id)
        sealed = await session.scalar(WORDS, {"tenant": tenant_id, "id": wanted, "citizen": citizen_id})
        event = zalo_events.decode(vault.open(sealed, f"inbox_events.body/{wanted}")) if sealed else None
    except (ValueError, SealBroken):
        return ""
    return event.text if isinstance(event, MessageEvent) else ""
