"""Having other rooms act for a citizen in the event's transaction: petitions, ratings, a person to talk to, requests about one's data.

Each answers in its own words, which come back as `Told`; a refusal is told as a sentence, never as an error.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.conversation import asks, payloads
from govchat.conversation.context import Context
from govchat.conversation.events import Button, Told
from govchat.conversation.wording import words
from govchat.dossiers.codes import CodeInvalid
from govchat.errors import DomainError
from govchat.handoff import ask as handoff
from govchat.kit.clock import VN
from govchat.kit.crypto import TenantVault
from govchat.kit.phrases import fill, phrases
from govchat.petitions import categories, file, lookup, settle
from govchat.petitions.change import PetitionMoveRefused, PetitionNotFound
from govchat.privacy import parts, request
from govchat.ratings import give, scale


async def perform(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, ask: asks.Ask, context: Context
) -> Told:
    """Do it and tell; raises nothing that the citizen could mend."""
    try:
        match ask:
            case asks.FilePetition():
                told = await _file(session, vault, tenant_id, citizen_id, ask, context)
            case asks.Petition(code, act):
                told = await _petition(session, vault, tenant_id, citizen_id, code, act, context)
            case asks.MyPetitions():
                told = _own(await lookup.own(session, vault, tenant_id, citizen_id))
            case asks.Person():
                told = await _person(session, vault, tenant_id, citizen_id, context)
            case asks.Rate(code, level):
                told = await _rate(session, vault, tenant_id, citizen_id, code, level, context.now)
            case asks.Reason():
                told = await _reason(session, vault, tenant_id, citizen_id, ask, context.now)
            case asks.Privacy(kind):
                told = await _privacy(session, vault, tenant_id, citizen_id, kind, context.now)
            case _:
                raise TypeError(f"{type(ask).__name__} is no act of another room")
    except DomainError as refusal:
        return Told(words(_REFUSALS.get(refusal.code, "dossier.no_answer")))
    return told


# What a refusal of another room is to the citizen.
_REFUSALS = {
    file.PetitionLimit.code: "petition.limit",
    PetitionNotFound.code: "petition.unknown",
    settle.PetitionStaysClosed.code: "petition.settled",
    PetitionMoveRefused.code: "petition.settled",
    give.RatingRefused.code: "rating.refused",
    give.RatingUnfit.code: "rating.refused",
    CodeInvalid.code: "rating.refused",
}


def _day(at: datetime) -> str:
    return f"{at.astimezone(VN):%d/%m/%Y}"


async def _file(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    ask: asks.FilePetition,
    context: Context,
) -> Told:
    suggested = categories.suggest(ask.text)
    category = suggested[0].key if suggested else categories.OTHER
    new = file.New(kind=ask.kind, text=ask.text, category=category, anonymous=ask.anonymous)
    filed = await file.file(session, vault, tenant_id, citizen_id, new, at=context.now)
    text = words(
        "petition.filed" if filed.is_new else "petition.filed_before",
        code=filed.code,
        category=categories.title_of(category),
        forward=_day(filed.forward_by),
        due=_day(filed.due_at),
    )
    status = Button(words("button.petition_status"), payloads.spelled(payloads.PETITION_CODE, "status", filed.code))
    return Told(text, (status, Button(words("button.my_petitions"), payloads.MY_PETITIONS)))


async def _petition(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, code: str, act: str, context: Context
) -> Told:
    if act == "confirm":
        row = await settle.confirm(session, vault, tenant_id, citizen_id, code, at=context.now)
        return Told(words("petition.confirmed", code=row.code))
    if act == "reopen":
        row = await settle.reopen(session, vault, tenant_id, citizen_id, code, at=context.now)
        return Told(words("petition.reopened", code=row.code, due=_day(row.due_at)))
    found = await lookup.status_of(session, vault, tenant_id, citizen_id, code)
    if found is None:
        return Told(words("petition.unknown"))
    lines = [words("petition.head", title=found.kind_title, code=found.code, state=found.state_title)]
    if found.unit:
        lines.append(words("dossier.unit", unit=found.unit))
    lines.append(words("petition.dates", received=_day(found.received_at), due=_day(found.due_at)))
    if found.overdue:
        lines.append(words("petition.overdue"))
    if found.answer:
        lines.append(words("petition.answer", answer=found.answer[:1000]))
    buttons = []
    if found.can_confirm:
        buttons.append(
            Button(words("button.petition_confirm"), payloads.spelled(payloads.PETITION_CODE, "confirm", code))
        )
    if found.can_reopen:
        buttons.append(
            Button(words("button.petition_reopen"), payloads.spelled(payloads.PETITION_CODE, "reopen", code))
        )
    return Told("\n".join(lines), tuple(buttons))


def _own(found: list[lookup.Standing]) -> Told:
    if not found:
        return Told(words("petition.none"), (Button(words("button.petition"), payloads.PETITION),))
    lines = [words("petition.mine", count=len(found))]
    lines += [words("petition.mine_line", code=one.code, state=one.state_title) for one in found]
    buttons = tuple(
        Button(words("button.one_code", code=one.code), payloads.spelled(payloads.PETITION_CODE, "status", one.code))
        for one in found[:4]
    )
    return Told("\n".join(lines), buttons)


async def _person(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, context: Context
) -> Told:
    manifest = context.tenant.manifest
    if manifest is None:
        return Told(words("contact.human"))
    asked = await handoff.ask(session, vault, tenant_id, citizen_id, manifest, at=context.now)
    return Told(asked.words, (Button(words("button.contact"), payloads.CONTACT),))


async def _rate(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, code: str, level: int, now: datetime
) -> Told:
    given = await give.give(session, vault, tenant_id, citizen_id, code, level, at=now)
    said = phrases(scale.ROOM)["ask_reason_poor" if given.poor else "ask_reason_good"]
    offered = scale.reasons_for(level, given.levels)[:5]
    return Told(
        said,
        tuple(
            Button(one.title, payloads.spelled(payloads.REASON, given.dossier_id, given.code, one.key))
            for one in offered
        ),
    )


async def _reason(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, ask: asks.Reason, now: datetime
) -> Told:
    because = (ask.key,)
    if not await give.explain(session, vault, tenant_id, citizen_id, ask.dossier_id, because=because, at=now):
        return Told(words("rating.refused"))
    return Told(fill(scale.ROOM, "thanks", code=ask.code))


async def _privacy(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, kind: str, now: datetime
) -> Told:
    if kind == "kept":
        buttons = tuple(
            Button(words(f"button.privacy_{each}"), payloads.spelled(payloads.PRIVACY_KIND, each))
            for each in ("export", "erase", "withdraw")
        )
        return Told(await parts.summary(session, vault, tenant_id, citizen_id), buttons)
    if kind == "mine":
        open_ = await request.own(session, tenant_id, citizen_id)
        return Told("\n\n".join(one.words for one in open_) or words("privacy.none"))
    asked = await request.ask(session, vault, tenant_id, citizen_id, kind, at=now)
    return Told(asked.words)
