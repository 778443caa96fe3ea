"""Calm when somebody writes very much: questions are answered for longer than anything else, and none is lost without a word.

A minute's first messages are all answered. Then what asks for nothing (greetings, stickers, curses, what is not understood) gets one calm
line and silence until the minute is over. Questions are answered from a bucket that a person who types never empties: forty at once, and
one more every two seconds. When it is empty one line says so, and the question put last is kept as its button: it is answered with whatever
is answered next.
"""

import msgspec

from govchat.conversation import payloads, wishes
from govchat.conversation.context import Context
from govchat.conversation.intents import Intent
from govchat.conversation.say import Outcome, Tap
from govchat.conversation.state import Also, State
from govchat.conversation.turn import Heard, Turn
from govchat.conversation.understand import Meaning
from govchat.conversation.wording import words

WINDOW_S = 60
CHATTER = 12  # messages a minute
QUESTIONS = 40  # at once
REFILL_S = 2  # for one more
_MOST = 99
_CALM = "calm"

_ASKS_NOTHING = frozenset(
    {
        Heard.OPENED_CHAT,
        Heard.GREETING,
        Heard.THANKS,
        Heard.ABUSE,
        Heard.OUT_OF_SCOPE,
        Heard.UNKNOWN,
        Heard.STICKER,
        Heard.PLACE,
        Heard.OTHER_MEDIA,
    }
)
# A withdrawn consent is never kept waiting, and what may not be kept is forgotten whatever else is going on.
_ALWAYS = frozenset(
    {
        Heard.FOLLOWED,
        Heard.UNFOLLOWED,
        Heard.SHARED_CONTACT,
        Heard.OPT_OUT,
        Heard.UNSUBSCRIBE,
        Heard.COMPLAINT,
        Heard.DENUNCIATION,
    }
)


def counted(state: State, context: Context) -> State:
    """The state with one more message in this minute, and what the bucket got back since."""
    now = max(0, context.seconds)
    back = max(0, now - state.load_at) // REFILL_S
    load = max(0, state.load - back)
    load_at = state.load_at + back * REFILL_S if load and now >= state.load_at else now
    if 0 <= now - state.burst_at < WINDOW_S:
        return msgspec.structs.replace(state, burst=min(state.burst + 1, _MOST), load=load, load_at=load_at)
    media = "" if state.media == _CALM else state.media
    return msgspec.structs.replace(state, burst=1, burst_at=now, media=media, load=load, load_at=load_at)


def judged(turn: Turn) -> Turn | Outcome:
    """The turn to answer, or what is said instead of an answer."""
    state = turn.state
    if turn.heard in _ALWAYS:
        return turn
    if state.burst > CHATTER and turn.heard in _ASKS_NOTHING and state.missed is None:
        return turn.answer(words("front.calm"), media=_CALM) if state.media != _CALM else turn.silence()
    if state.load >= QUESTIONS:
        return _slower(turn)
    return msgspec.structs.replace(turn, state=msgspec.structs.replace(state, load=state.load + 1))


def _slower(turn: Turn) -> Outcome:
    """The question is kept; one line a minute says so."""
    state, now = turn.state, turn.context.seconds
    missed = kept(turn) or state.missed
    if state.missed is not None and 0 <= now - state.slowed_at < WINDOW_S:
        return turn.silence(missed=missed)
    button = Tap(words("button.again"), payloads.AGAIN)
    return turn.answer(words("front.slower"), buttons=(button,), missed=missed or Also(payloads.MENU), slowed_at=now)


def kept(turn: Turn) -> Also | None:
    """A question as the button that stands for it: nothing of its words is kept. None for what has none."""
    if turn.payload:
        return Also(turn.payload[:100]) if len(turn.payload) <= 100 else None
    if turn.heard is Heard.PROCEDURE and turn.argument:
        return Also(payloads.spelled(payloads.PROCEDURE, turn.argument)[:100], aloud=True)
    try:
        intent = Intent(str(turn.heard))
    except ValueError:
        return None
    return wishes.as_button(Meaning(intent, turn.codes, reading=turn.reading), turn.state, turn.context)
