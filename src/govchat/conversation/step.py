"""The one entrance to a conversation: `step(state, event, context)`.

Pure, the same answer every time, and total: no event in any state raises, and each gets at most one answer. The engine stores the
state, has an `ask` performed and brings its answer back as one more event.
"""

from types import MappingProxyType

import msgspec

from govchat.conversation import events, flood
from govchat.conversation.at_hand import tapped
from govchat.conversation.context import Context
from govchat.conversation.flows import (
    beside,
    browse,
    follow,
    front,
    guidance,
    lookup,
    office,
    people,
    petition,
    procedures,
)
from govchat.conversation.listen import listen
from govchat.conversation.say import Outcome
from govchat.conversation.state import Also, State
from govchat.conversation.turn import Heard, Table, Turn

TABLE: Table = MappingProxyType(
    {
        **front.TABLE,
        **lookup.TABLE,
        **follow.TABLE,
        **procedures.TABLE,
        **browse.TABLE,
        **guidance.TABLE,
        **people.TABLE,
        **office.TABLE,
        **petition.TABLE,
    }
)

_HEARD = {
    events.Followed: Heard.FOLLOWED,
    events.Unfollowed: Heard.UNFOLLOWED,
    events.OpenedChat: Heard.OPENED_CHAT,
    events.GivenBack: Heard.GIVEN_BACK,
    events.Place: Heard.PLACE,
    events.Sticker: Heard.STICKER,
    events.OtherMedia: Heard.OTHER_MEDIA,
    events.Picture: Heard.PICTURE,
    events.Subscribed: Heard.SUBSCRIBED,
    events.Unsubscribed: Heard.UNSUBSCRIBED,
    events.OptedOut: Heard.OPTED_OUT,
    events.MyDossiers: Heard.MINE,
    events.Told: Heard.TOLD,
    events.Held: Heard.HELD,
    events.Petitioned: Heard.PETITIONED,
    events.Forgotten: Heard.FORGOTTEN,
}
_ANSWERS = (
    events.LookedUp, events.Subscribed, events.Unsubscribed, events.OptedOut, events.MyDossiers, events.Told,
    events.Held, events.Petitioned, events.Forgotten,
)  # fmt: skip


def step(state: State, event: events.Event, context: Context) -> Outcome:
    """The next state, what to say, and what to have asked first, if anything."""
    also, state = state.also, msgspec.structs.replace(state, also=None) if state.also else state
    if isinstance(event, _ANSWERS):
        return _served(_act(_turn(state, event, context)), also, context)
    turn = flood.judged(_turn(flood.counted(state, context), event, context))
    if isinstance(turn, Outcome):
        return turn
    return _served(_act(turn), turn.also, context)


def _served(outcome: Outcome, also: Also | None, context: Context) -> Outcome:
    """With what else was wished for, and with a question that came too fast to be answered before."""
    if also is not None:
        outcome = beside.served(outcome, also, context)
    return beside.caught_up(outcome, context)


def _act(turn: Turn) -> Outcome:
    act = TABLE.get((turn.state.step, turn.heard)) or TABLE[(None, turn.heard)]
    return act(turn)


def _turn(state: State, event: events.Event, context: Context) -> Turn:
    match event:
        case events.Text(text):
            return listen(state, text, context)
        case events.Tapped(payload):
            return tapped(state, payload, context)
        case events.SharedContact(phone_known):
            return Turn(state=state, context=context, heard=Heard.SHARED_CONTACT, phone_known=phone_known)
        case events.LookedUp(answers):
            return Turn(state=state, context=context, heard=Heard.LOOKED_UP, answers=answers)
        case _:
            return Turn(state=state, context=context, heard=_HEARD[type(event)], event=event)
