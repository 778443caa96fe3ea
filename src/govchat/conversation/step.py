"""The one entrance to a conversation: `step(state, event, context)`.

Pure, the same answer every time, and total: no event in any state raises, and each gets at most one answer. The engine stores the
state, performs `ask` and brings its answers back as a `LookedUp` event.
"""

from types import MappingProxyType

from govchat.conversation import events
from govchat.conversation.context import Context
from govchat.conversation.flows import front, lookup
from govchat.conversation.payloads import HEARD
from govchat.conversation.say import Outcome
from govchat.conversation.state import State
from govchat.conversation.turn import Heard, Table, Turn, awaiting_secret
from govchat.conversation.understand import understand

TABLE: Table = MappingProxyType({**front.TABLE, **lookup.TABLE})

_HEARD = {
    events.Followed: Heard.FOLLOWED,
    events.Unfollowed: Heard.UNFOLLOWED,
    events.OpenedChat: Heard.OPENED_CHAT,
    events.SharedContact: Heard.SHARED_CONTACT,
    events.LookedUp: Heard.LOOKED_UP,
    events.Picture: Heard.PICTURE,
    events.Place: Heard.PLACE,
    events.Sticker: Heard.STICKER,
    events.OtherMedia: Heard.OTHER_MEDIA,
}


def step(state: State, event: events.Event, context: Context) -> Outcome:
    """The next state, what to say, and what to look up first, if anything."""
    turn = _turn(state, event, context)
    act = TABLE.get((state.step, turn.heard)) or TABLE[(None, turn.heard)]
    return act(turn)


def _turn(state: State, event: events.Event, context: Context) -> Turn:
    match event:
        case events.Text(text):
            return _listen(state, text, context)
        case events.SharedContact(phone_known):
            return Turn(state=state, context=context, heard=Heard.SHARED_CONTACT, phone_known=phone_known)
        case events.LookedUp(answers):
            return Turn(state=state, context=context, heard=Heard.LOOKED_UP, answers=answers)
        case _:
            return Turn(state=state, context=context, heard=_HEARD[type(event)])


def _listen(state: State, text: str, context: Context) -> Turn:
    heard = HEARD.get(text.strip())
    if heard:
        return Turn(state=state, context=context, heard=heard)
    meaning = understand(text, context.today, awaiting_secret=awaiting_secret(state, context))
    return Turn(
        state=state,
        context=context,
        heard=Heard(meaning.intent),
        typed=meaning.codes.text,
        codes=meaning.codes,
        secret=meaning.secret,
    )
