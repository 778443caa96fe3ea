"""Running the pure steps: a talk is a generator that steps, asks for what it needs to know, and ends with what was decided.

Whoever drives it answers what it asks: many at once in a batch of reads (`inbox.batch`), or one by one in the transaction of the
event (`converse`). Nothing is stored or sent from here.
"""

from collections.abc import Generator
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.know import Citizen
from govchat.conversation import say
from govchat.conversation.context import Context
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
from govchat.conversation.state import State
from govchat.conversation.step import step
from govchat.dossiers import lookup
from govchat.kit.crypto import TenantVault
from govchat.procedures.book import Lookup
from govchat.zalo import messages

# A step asks the dossiers at most once per event; a second round would be a loop in a flow.
MOST_ROUNDS = 2


class Decided(msgspec.Struct, frozen=True):
    """Where the conversation stands after an event, and the messages that answer it."""

    state: State
    messages: tuple[messages.CsMessage, ...]


Talk = Generator[say.LookUp, tuple[DossierAnswer, ...], Decided]


def talk(state: State, event: Event, context: Context, *, user_id: str, assets_url: str) -> Talk:
    """One event of one citizen: yields what has to be looked up, is sent the answers, returns what was decided."""
    said: list[say.Say] = []
    happened: Event | None = event
    for _ in range(MOST_ROUNDS):
        if happened is None:
            break
        outcome = step(state, happened, context)
        state, happened = outcome.state, None
        said.extend(outcome.say)
        if outcome.ask is not None:
            happened = LookedUp((yield outcome.ask))
    return Decided(state, tuple(message for one in said for message in _messages(user_id, one, assets_url)))


async def converse(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen: Citizen,
    state: State,
    event: Event,
    context: Context,
    *,
    catalogue: Lookup,
    assets_url: str,
) -> Decided:
    """Hold a talk in the event's own transaction, in which look-ups may leave their traces."""
    held = talk(state, event, context, user_id=citizen.zalo_user_id, assets_url=assets_url)
    answers: tuple[DossierAnswer, ...] | None = None
    while True:
        try:
            ask = next(held) if answers is None else held.send(answers)
        except StopIteration as ended:
            decided: Decided = ended.value
            return decided
        found = [
            await lookup.look_up(session, vault, tenant_id, citizen, key, ask.secret, context.now, catalogue)
            for key in ask.codes
        ]
        answers = tuple(answer(key, one) for key, one in zip(ask.codes, found, strict=True))


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
