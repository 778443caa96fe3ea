"""Doing what a step asked for, in the transaction of the event: look-ups that leave traces, following dossiers, consents.

From an `Ask` to the event that the step is told. `evidence` names the citizen's message (`event:<id>`), which the law wants kept with a
consent.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens import consent
from govchat.citizens.know import Citizen
from govchat.conversation import asks, events, queries, rooms
from govchat.conversation.context import Context
from govchat.conversation.events import Answer, DossierAnswer, Proven, ResultItem, Shown, Slowed, Unknown
from govchat.conversation.wording import words
from govchat.dossiers import lookup
from govchat.kit.crypto import TenantVault
from govchat.notices import follow
from govchat.privacy import forget


async def perform(  # noqa: PLR0911 -- one act a line
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen: Citizen,
    ask: asks.Ask,
    context: Context,
    *,
    evidence: str,
) -> Answer:
    """Do it; answers the event."""
    now, catalogue = context.now, context.shelf.catalogue
    match ask:
        case asks.LookUp(codes, secret):
            found = [
                await lookup.look_up(session, vault, tenant_id, citizen, key, secret, now, catalogue) for key in codes
            ]
            return events.LookedUp(tuple(answer(key, one) for key, one in zip(codes, found, strict=True)))
        case asks.Subscribe(key):
            made = await follow.subscribe(session, tenant_id, citizen.id, at=now, evidence=evidence, key=key)
            asked = made is not None and "survey" not in await consent.of(session, tenant_id, citizen.id)
            return events.Subscribed(made.code if made else None, ask_survey=asked)
        case asks.Unsubscribe(key):
            ended = await follow.unsubscribe(session, tenant_id, citizen.id, at=now, evidence=evidence, key=key)
            return events.Unsubscribed(ended, len(await follow.following(session, tenant_id, citizen.id)))
        case asks.OptOut():
            for purpose in consent.UNASKED:
                await consent.withdraw(session, tenant_id, citizen.id, purpose, how="chat", at=now, evidence=evidence)
            return events.OptedOut(len(await follow.following(session, tenant_id, citizen.id)))
        case asks.MyDossiers():
            return events.MyDossiers(await queries.mine(session, tenant_id, citizen.id))
        case asks.Agree() | asks.Disagree():
            return await _consent(session, tenant_id, citizen, ask, now, evidence)
        case asks.Forget(kind):
            await forget.forget_words(session, tenant_id, [UUID(evidence.partition(":")[2])])
            return events.Forgotten(kind)
        case _:
            return await rooms.perform(session, vault, tenant_id, citizen.id, ask, context, evidence=evidence)


async def _consent(
    session: AsyncSession,
    tenant_id: UUID,
    citizen: Citizen,
    ask: asks.Agree | asks.Disagree,
    now: datetime,
    evidence: str,
) -> events.Told:
    """Consent to one purpose, or the end of it, with the message that said so as its evidence."""
    purpose: consent.Purpose = "broadcast" if ask.purpose == "broadcast" else "survey"
    act = consent.give if isinstance(ask, asks.Agree) else consent.withdraw
    await act(session, tenant_id, citizen.id, purpose, how="chat", at=now, evidence=evidence)
    return consent_told(ask)


def consent_told(ask: asks.Agree | asks.Disagree) -> events.Told:
    """What is said then."""
    if isinstance(ask, asks.Disagree):
        return events.Told(words("consent.survey_ended"))
    return events.Told(words("consent.broadcast_done" if ask.purpose == "broadcast" else "follow.survey_done"))


def answer(key: str, found: lookup.Seen | lookup.NotShown | lookup.Slowed) -> DossierAnswer:
    """What a look-up found, as the steps see it."""
    if isinstance(found, lookup.Slowed):
        return Slowed(key, max(1, int(found.wait.total_seconds())))
    if isinstance(found, lookup.NotShown):
        return Unknown(key)
    proven = None
    if found.private is not None:
        proven = Proven(
            procedure_name=found.procedure_name,
            applicant_name=found.private.applicant.name,
            officer=found.private.officer,
            status_note=found.private.status_note,
            results=tuple(ResultItem(item.name, item.url) for item in found.private.results),
        )
    return Shown(
        code=found.code,
        status=found.status,
        unit=found.unit,
        received_at=found.received_at,
        due_at=found.due_at,
        changed_at=found.changed_at,
        proven=proven,
    )
