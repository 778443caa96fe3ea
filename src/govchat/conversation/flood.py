"""Calm when somebody writes very much: questions are answered for longer than anything else, and nobody is left without a word.

A minute's first messages are all answered. Then what asks for nothing (greetings, stickers, curses, what is not understood) gets one calm
line and silence; questions go on being answered until far more than a person types, then one line says when to go on.
"""

import msgspec

from govchat.conversation.context import Context
from govchat.conversation.say import Outcome
from govchat.conversation.state import State
from govchat.conversation.turn import Heard, Turn
from govchat.conversation.wording import words

WINDOW_S = 60
CHATTER = 12  # messages a minute
QUESTIONS = 40
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
_ALWAYS = frozenset({Heard.FOLLOWED, Heard.UNFOLLOWED, Heard.SHARED_CONTACT, Heard.OPT_OUT, Heard.UNSUBSCRIBE})


def counted(state: State, context: Context) -> State:
    """The state with one more message in this minute."""
    if 0 <= context.seconds - state.burst_at < WINDOW_S:
        return msgspec.structs.replace(state, burst=min(state.burst + 1, _MOST))
    media = "" if state.media == _CALM else state.media
    return msgspec.structs.replace(state, burst=1, burst_at=max(0, context.seconds), media=media)


def slowed(turn: Turn) -> Outcome | None:
    """What is said instead of an answer; None when the message is answered."""
    burst = turn.state.burst
    if burst <= CHATTER or turn.heard in _ALWAYS:
        return None
    if burst <= QUESTIONS and turn.heard not in _ASKS_NOTHING:
        return None
    if burst > QUESTIONS:
        return turn.answer(words("front.slower")) if burst == QUESTIONS + 1 else turn.silence()
    return turn.answer(words("front.calm"), media=_CALM) if turn.state.media != _CALM else turn.silence()
