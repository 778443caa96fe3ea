"""Having other rooms act for a citizen in the event's transaction: petitions (`file_petition`), ratings (`rate`), a person to talk to,
requests about one's data.

Each answers in its own words, which come back as `Told`; a refusal is told as a sentence, never as an error.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.conversation import asks, file_petition, payloads, rate
from govchat.conversation.context import Context
from govchat.conversation.events import Answer, Button, Told
from govchat.conversation.flows.dossier import local_time
from govchat.conversation.wording import words
from govchat.dossiers.codes import CodeInvalid
from govchat.errors import DomainError
from govchat.handoff import ask as handoff
from govchat.kit.crypto import TenantVault
from govchat.petitions import add, file, settle
from govchat.petitions.change import PetitionMoveRefused, PetitionNotFound
from govchat.privacy import parts, request
from govchat.ratings import give


async def perform(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    ask: asks.Ask,
    context: Context,
    *,
    evidence: str,
) -> Answer:
    """Do it and tell; raises nothing that the citizen could mend."""
    whose = (session, vault, tenant_id, citizen_id)
    try:
        match ask:
            case asks.FilePetition():
                told: Answer = await file_petition.file_petition(*whose, ask, context)
            case asks.HoldForPetition():
                told = await file_petition.hold(*whose, ask, evidence)
            case asks.AddToPetition() | asks.DropPhoto():
                told = await file_petition.add_to(*whose, ask, context)
            case asks.Petition():
                told = await file_petition.about_petition(*whose, ask, context)
            case asks.MyPetitions():
                told = await file_petition.own_petitions(*whose)
            case asks.Person():
                told = await _person(*whose, context)
            case asks.Rate():
                told = await rate.rate(*whose, ask, context.now)
            case asks.Reason():
                told = await rate.reason(*whose, ask, context.now)
            case asks.Opinion():
                told = await rate.opinion(*whose, ask, context.now)
            case asks.Privacy(kind):
                told = await _privacy(*whose, kind, context.now)
            case _:
                raise TypeError(f"{type(ask).__name__} is no act of another room")
    except DomainError as refusal:
        return Told(words(_REFUSALS.get(refusal.code, "dossier.no_answer")))
    return told


# What a refusal of another room is to the citizen.
_REFUSALS = {
    file.PetitionLimit.code: "petition.limit",
    add.PetitionFull.code: "petition.photos_full",
    file.PetitionUnfit.code: "petition.more",
    PetitionNotFound.code: "petition.unknown",
    settle.PetitionStaysClosed.code: "petition.settled",
    PetitionMoveRefused.code: "petition.settled",
    give.RatingRefused.code: "rating.refused",
    give.RatingUnfit.code: "rating.refused",
    CodeInvalid.code: "rating.refused",
}


async def _person(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, citizen_id: UUID, context: Context
) -> Told:
    manifest = context.tenant.manifest
    if manifest is None:
        return Told(words("contact.human"))
    asked = await handoff.ask(session, vault, tenant_id, citizen_id, manifest, at=context.now)
    return Told(asked.words, (Button(words("button.contact"), payloads.CONTACT),))


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
        own = await request.own(session, tenant_id, citizen_id)
        return Told("\n".join((words("privacy.mine"), *map(_request, own))) if own else words("privacy.none"))
    asked = await request.ask(session, vault, tenant_id, citizen_id, kind, at=now)
    return Told(asked.words)


def _request(one: request.Acknowledged) -> str:
    """A request in one line: until when it is answered, or that it was."""
    key = "privacy.mine_open" if one.is_open else "privacy.mine_done" if one.done else "privacy.mine_answered"
    return words(key, code=one.code, title=one.title, **({"due": local_time(one.due_at)} if one.is_open else {}))
