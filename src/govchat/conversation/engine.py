"""Running the pure steps: a talk is a generator that steps, yields what has to be asked first, and ends with what was decided.

Whoever drives it answers what it asks: many at once in a batch of reads (`inbox.batch`), or one by one in the transaction of the
event (`converse`). Nothing is stored or sent from here.
"""

from collections.abc import Generator
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.know import Citizen
from govchat.conversation import say
from govchat.conversation.asks import Ask
from govchat.conversation.buttons import payload_of, token
from govchat.conversation.context import Context
from govchat.conversation.events import Answer, Event, Tapped, Text
from govchat.conversation.perform import perform
from govchat.conversation.state import State
from govchat.conversation.step import step
from govchat.kit.crypto import TenantVault
from govchat.zalo import messages

# A step asks at most once per event; a second round would be a loop in a flow.
MOST_ROUNDS = 2


class Decided(msgspec.Struct, frozen=True):
    """Where the conversation stands after an event, and the messages that answer it."""

    state: State
    messages: tuple[messages.CsMessage, ...]


Talk = Generator[Ask, Answer, Decided]


def talk(state: State, event: Event, context: Context, *, vault: TenantVault, user_id: str, assets_url: str) -> Talk:
    """One event of one citizen: yields what has to be asked, is sent the answer, returns what was decided."""
    said: list[say.Say] = []
    happened: Event | None = event
    if isinstance(event, Text) and (payload := payload_of(vault, user_id, event.text.strip())) is not None:
        happened = Tapped(payload)
    for _ in range(MOST_ROUNDS):
        if happened is None:
            break
        outcome = step(state, happened, context)
        state, happened = outcome.state, None
        said.extend(outcome.say)
        if outcome.ask is not None:
            happened = yield outcome.ask
    return Decided(state, tuple(made for one in said for made in _messages(vault, user_id, one, assets_url)))


async def converse(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen: Citizen,
    state: State,
    event: Event,
    context: Context,
    *,
    assets_url: str,
    evidence: str,
) -> Decided:
    """Hold a talk in the event's own transaction, in which whatever is asked for may be written down."""
    held = talk(state, event, context, vault=vault, user_id=citizen.zalo_user_id, assets_url=assets_url)
    answer: Answer | None = None
    while True:
        try:
            ask = next(held) if answer is None else held.send(answer)
        except StopIteration as ended:
            decided: Decided = ended.value
            return decided
        answer = await perform(session, vault, tenant_id, citizen, ask, context, evidence=evidence)


def _messages(vault: TenantVault, user_id: str, one: say.Say, assets_url: str) -> list[messages.CsMessage]:
    """One answer as Zalo's messages: long texts in several, buttons on the last, the contact form by itself."""
    buttons = [
        messages.query(button.title, token(vault, user_id, button.payload), hidden=True)
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
