"""A message as the answer to what a citizen was asked, or about what is at hand: a rating, a petition, a choice, an office.

`at_hand` runs before the words are read for what they mean by themselves; it answers None for what is not about any of these.
"""

import re

import msgspec

from govchat.conversation import payloads
from govchat.conversation.context import Context
from govchat.conversation.flows import office, petition, petition_follow, petition_questions, rating_words
from govchat.conversation.intents import Intent
from govchat.conversation.rulebook import bare, rulebook
from govchat.conversation.state import State
from govchat.conversation.titles import payload_typed
from govchat.conversation.turn import Heard, Turn
from govchat.conversation.understand import understand
from govchat.dossiers.codes import find_codes
from govchat.handoff.mute import wants_bot
from govchat.kit.text import clean
from govchat.petitions import codes as petition_codes

_DIGIT = re.compile("[1-5]")
_FEWEST_OF_A_COMMENT = 3  # words
# What a word for the office beside a rating may have been read as.
_COMMENTS = frozenset(
    {Intent.UNKNOWN, Intent.RATING, Intent.PETITION, Intent.ABUSE, Intent.OUT_OF_SCOPE, Intent.PROGRESS}
)


def at_hand(state: State, text: str, context: Context) -> Turn | None:  # noqa: PLR0911 -- one way to be heard a line
    """What a message is to whoever was asked something, or wants something back; None for what is read by its words alone."""
    if payload := payload_typed(text):
        return tapped(state, payload, context)
    if petition_follow.takes_back(text):
        return Turn(state=state, context=context, heard=Heard.DROP_PHOTO)
    if rating_words.is_open(state, context) and (rated := _rated(state, text, context)) is not None:
        return rated
    if (code := office.picked(text, state, context)) is not None:
        return tapped(state, payloads.spelled(payloads.CONTACT, code), context)
    if _DIGIT.fullmatch(text.strip()) and not state.choices and not state.asked and not state.held_words:
        return Turn(state=state, context=context, heard=Heard.RATING, typed=text.strip())
    if petition_follow.awaits_kind(state, context) and (kind := petition_follow.picked_kind(text, state)):
        return tapped(state, payloads.spelled(payloads.PETITION_KIND, kind), context)
    if act := petition_follow.own_act(text, state, context):
        if state.held_words or state.step == "petition.awaiting_text":
            return Turn(state=state, context=context, heard=Heard.CANCEL)
        shown = state.petition_code if petition.is_fresh(state, context) else ""
        own = petition_codes.find(text) or shown
        return Turn(state=state, context=context, heard=Heard.PETITION_CODE, argument=f"{act} {own}")
    if petition_follow.completes(text, state, context):
        return Turn(state=state, context=context, heard=Heard.PETITION_MORE, typed=clean(text))
    if petition.answers_question(text, state, context) and not _asks_else(text, context):
        return Turn(state=state, context=context, heard=Heard.PETITION_MORE, typed=clean(text))
    if (last := rulebook().last_words.get(bare(text))) is not None:
        return Turn(state=state, context=context, heard=Heard.PETITION_CODE, argument=f"{last} ")
    if wants_bot(text):  # it has the word already
        return Turn(state=state, context=context, heard=Heard.MENU)
    return None


def _rated(state: State, text: str, context: Context) -> Turn | None:
    """A typed answer to what was asked about a rating; None for what is about something else."""
    if find_codes(text, context.today).anything or wants_bot(text):
        return None
    if payload := rating_words.button_for(state.rating, text):
        return tapped(state, payload, context)
    if (
        state.rating.startswith("level ")
        or bare(text) in rulebook().commands
        or len(text.split()) < _FEWEST_OF_A_COMMENT
    ):
        return None
    meaning = understand(text, context.today, book=context.shelf.words)
    if meaning.intent in _COMMENTS and "?" not in text:
        return Turn(state=state, context=context, heard=Heard.COMMENT, typed=clean(text))
    return None


def _asks_else(text: str, context: Context) -> bool:
    """Whether what could be an answer to a question about a petition is a question of its own."""
    meaning = understand(text, context.today, book=context.shelf.words)
    # In doubt between two questions, it is a question.
    sure = 1.0 if meaning.reading.ask_back and meaning.reading.behind else meaning.score
    return petition_questions.is_question(text, meaning.intent, sure)


def tapped(state: State, payload: str, context: Context) -> Turn:
    """A button means what it says, whenever it was sent; one that no longer exists leads to the menu."""
    if (
        payload == payloads.AGAIN and state.missed is not None
    ):  # the question that came too fast, as if it were tapped now
        payload, state = state.missed.payload, msgspec.structs.replace(state, missed=None)
    heard, argument = payloads.parted(payload) or (Heard.MENU, "")
    codes = find_codes(argument, context.today)
    return Turn(state=state, context=context, heard=heard, argument=argument, codes=codes, payload=payload)
