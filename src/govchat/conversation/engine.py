"""Running the pure steps against the database: load the state, step, perform what the step asks for, store, put the answers.

All of it happens in the one transaction of the event that caused it.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.know import Citizen
from govchat.conversation import queries, say
from govchat.conversation.context import Context, TenantFacts
from govchat.conversation.events import (
    DossierAnswer,
    Event,
    LookedUp,
    Proven,
    ResultItem,
    Shown,
    Slowed,
    Unknown,
)
from govchat.conversation.step import step
from govchat.dossiers import lookup
from govchat.kit.crypto import TenantVault
from govchat.outbox.put import Draft, Lane, put
from govchat.zalo import messages

# A step asks the dossiers at most once per event; a second round would be a loop in a flow.
MOST_ROUNDS = 2


async def converse(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    facts: TenantFacts,
    citizen: Citizen,
    event: Event,
    *,
    cause: UUID,
    caused_at: datetime,
    now: datetime,
    assets_url: str,
) -> int:
    """Answer one event of one citizen; answers how many messages were put."""
    before = state = await queries.load(session, tenant_id, citizen.id)
    context = Context(now, facts)
    said: list[say.Say] = []
    happened: Event | None = event
    for _ in range(MOST_ROUNDS):
        if happened is None:
            break
        outcome = step(state, happened, context)
        state, happened = outcome.state, None
        said.extend(outcome.say)
        if outcome.ask is not None:
            answers = [
                await _look_up(session, vault, tenant_id, citizen, key, outcome.ask.secret, now)
                for key in outcome.ask.codes
            ]
            happened = LookedUp(tuple(answers))
    if state != before:
        await queries.save(session, tenant_id, citizen.id, state, now)
    drafts = [
        Draft(
            citizen_id=citizen.id,
            message=message,
            lane=Lane.REPLY,
            dedupe_key=f"reply:{cause}:{number}",
            cause=f"event:{cause}",
            caused_at=caused_at,
        )
        for number, message in enumerate(
            message for one in said for message in _messages(citizen.zalo_user_id, one, assets_url)
        )
    ]
    return await put(session, vault, tenant_id, drafts)


async def _look_up(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen: Citizen,
    key: str,
    secret: str | None,
    now: datetime,
) -> DossierAnswer:
    found = await lookup.look_up(session, vault, tenant_id, citizen, key, secret, now)
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


def _messages(user_id: str, one: say.Say, assets_url: str) -> list[messages.CsMessage]:
    """One answer as Zalo's messages: long texts in several, buttons on the last, the contact form by itself."""
    buttons = [
        messages.query(button.title, button.payload)
        if isinstance(button, say.Tap)
        else messages.open_url(button.title, button.url)
        for button in one.buttons
    ]
    made = messages.texts(user_id, one.text, buttons)
    if one.form is not None:
        local = assets_url.startswith("http://127.0.0.1")
        picture = f"{assets_url}/contact.png"
        made.append(messages.request_info(user_id, one.form.title, one.form.subtitle, picture, allow_insecure=local))
    return made
