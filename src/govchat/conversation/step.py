"""The one entrance to a conversation: `step(state, event, context)`.

Pure, the same answer every time, and total: no event in any state raises, and each gets at most one answer. The engine stores the
state, has an `ask` performed and brings its answer back as one more event.
"""

import re
from types import MappingProxyType

import msgspec

from govchat.conversation import events, flood, payloads, wishes
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
    petition_follow,
    petition_questions,
    procedures,
    rating_words,
)
from govchat.conversation.intents import Intent
from govchat.conversation.rulebook import bare, rulebook
from govchat.conversation.say import Outcome
from govchat.conversation.state import Also, State
from govchat.conversation.turn import Heard, Table, Turn, awaiting_secret, topic_is_fresh
from govchat.conversation.understand import Meaning, understand
from govchat.dossiers.codes import find_codes
from govchat.handoff.mute import wants_bot
from govchat.kit.text import clean
from govchat.language.read import Context as Topic
from govchat.petitions import codes as petition_codes

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


_DIGIT = re.compile("[1-5]")
_FEWEST_OF_A_COMMENT = 3  # words
# What a word for the office beside a rating may have been read as.
_COMMENTS = frozenset(
    {Intent.UNKNOWN, Intent.RATING, Intent.PETITION, Intent.ABUSE, Intent.OUT_OF_SCOPE, Intent.PROGRESS}
)
_FORGOTTEN = frozenset({Intent.COMPLAINT, Intent.DENUNCIATION})
# What a question about an office may look like by itself.
_ASIDE = frozenset({Intent.OUT_OF_SCOPE, Intent.RATING, Intent.BROWSE, Intent.COMPLAINT_STATUS})


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
            return _listen(state, text, context)
        case events.Tapped(payload):
            return _tapped(state, payload, context)
        case events.SharedContact(phone_known):
            return Turn(state=state, context=context, heard=Heard.SHARED_CONTACT, phone_known=phone_known)
        case events.LookedUp(answers):
            return Turn(state=state, context=context, heard=Heard.LOOKED_UP, answers=answers)
        case _:
            return Turn(state=state, context=context, heard=_HEARD[type(event)], event=event)


def _tapped(state: State, payload: str, context: Context) -> Turn:
    """A button means what it says, whenever it was sent; one that no longer exists leads to the menu."""
    if (
        payload == payloads.AGAIN and state.missed is not None
    ):  # the question that came too fast, as if it were tapped now
        payload, state = state.missed.payload, msgspec.structs.replace(state, missed=None)
    heard, argument = payloads.parted(payload) or (Heard.MENU, "")
    codes = find_codes(argument, context.today)
    return Turn(state=state, context=context, heard=heard, argument=argument, codes=codes, payload=payload)


def _asks_else(text: str, context: Context) -> bool:
    """Whether what could be an answer to a question about a petition is a question of its own."""
    meaning = understand(text, context.today, book=context.shelf.words)
    # In doubt between two questions, it is a question.
    sure = 1.0 if meaning.reading.ask_back and meaning.reading.behind else meaning.score
    return petition_questions.is_question(text, meaning.intent, sure)


def _is_about_an_office(
    intent: Intent, meaning: Meaning, text: str, state: State, context: Context, *, unsure: bool
) -> bool:
    """Whether what was read as something else, or hardly, asks for an office: named, or talked about last."""
    if intent is Intent.PROCEDURE and office.asks_for_a_day(meaning.reading, text, context):
        return True
    if (unsure or _is_inherited(intent, meaning)) and office.is_asked_about(text, context):
        return True
    if (intent in (Intent.PROCEDURE, Intent.FILE_ONLINE) or intent in _ASIDE) and office.asks_where(text, context):
        return True
    return (unsure or intent in _ASIDE) and office.follows_up(text, state, context)


def _goes_on(
    intent: Intent, meaning: Meaning, text: str, state: State, context: Context, *, unsure: bool
) -> Turn | None:
    """What a message is that goes on about a grievance that was explained, or about a petition; None for any other."""
    if part := guidance.follows_up(text, state, context):
        # What tells of a grievance is forgotten first, also when it asks about the way.
        heard = Heard(intent) if intent in _FORGOTTEN else Heard.GRIEVANCE_PART
        return Turn(state=state, context=context, heard=heard, argument=part)
    if guidance.tells_on(intent, text, state, context, unsure=unsure):
        return Turn(state=state, context=context, heard=Heard.DENUNCIATION, argument="again")
    read = (
        Intent.CONTACT_OFFICE if _is_about_an_office(intent, meaning, text, state, context, unsure=unsure) else intent
    )
    if (
        state.step == "petition.awaiting_text"
        and not petition_questions.is_question(text, read, meaning.score)
        and petition.is_petition(text, state, context)
    ):
        return Turn(state=state, context=context, heard=Heard.PETITION, typed=clean(text))
    followed = petition_follow.follows(read, text, state, context, inherited=meaning.reading.inherited, unsure=unsure)
    if followed is None:
        return None
    return Turn(state=state, context=context, heard=followed[0], argument=followed[1], typed=clean(text))


def _is_inherited(intent: Intent, meaning: Meaning) -> bool:
    """Whether a procedure is asked about that the message itself does not name."""
    return intent is Intent.PROCEDURE and meaning.reading.inherited


def _rated(state: State, text: str, context: Context) -> Turn | None:
    """A typed answer to what was asked about a rating; None for what is about something else."""
    if find_codes(text, context.today).anything or wants_bot(text):
        return None
    if payload := rating_words.button_for(state.rating, text):
        return _tapped(state, payload, context)
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


def _at_hand(state: State, text: str, context: Context) -> Turn | None:  # noqa: PLR0911 -- one way to be heard a line
    """What a message is to whoever was asked something, or wants something back; None for what is read by its words alone."""
    if petition_follow.takes_back(text):
        return Turn(state=state, context=context, heard=Heard.DROP_PHOTO)
    if rating_words.is_open(state, context) and (rated := _rated(state, text, context)) is not None:
        return rated
    if (code := office.picked(text, state, context)) is not None:
        return _tapped(state, payloads.spelled(payloads.CONTACT, code), context)
    if _DIGIT.fullmatch(text.strip()) and not state.choices and not state.asked and not state.held_words:
        return Turn(state=state, context=context, heard=Heard.RATING, typed=text.strip())
    if petition_follow.awaits_kind(state, context) and (kind := petition_follow.picked_kind(text, state)):
        return _tapped(state, payloads.spelled(payloads.PETITION_KIND, kind), context)
    if act := petition_follow.own_act(text, state, context):
        if state.held_words or state.step == "petition.awaiting_text":
            return Turn(state=state, context=context, heard=Heard.CANCEL)
        at_hand = state.petition_code if petition.is_fresh(state, context) else ""
        own = petition_codes.find(text) or at_hand
        return Turn(state=state, context=context, heard=Heard.PETITION_CODE, argument=f"{act} {own}")
    if petition_follow.names_a_commune(text, state, context):
        return Turn(state=state, context=context, heard=Heard.PETITION_MORE, typed=clean(text))
    if petition.answers_question(text, state, context) and not _asks_else(text, context):
        return Turn(state=state, context=context, heard=Heard.PETITION_MORE, typed=clean(text))
    if (last := rulebook().last_words.get(bare(text))) is not None:
        return Turn(state=state, context=context, heard=Heard.PETITION_CODE, argument=f"{last} ")
    if wants_bot(text):  # it has the word already
        return Turn(state=state, context=context, heard=Heard.MENU)
    return None


def _listen(state: State, text: str, context: Context) -> Turn:
    fresh = topic_is_fresh(state, context)
    plain = text.strip()
    if fresh and plain.isascii() and plain.isdigit() and 1 <= int(plain[:9]) <= len(state.choices):
        picked = payloads.spelled(payloads.PROCEDURE, state.choices[int(plain[:9]) - 1], state.field)
        return _tapped(state, picked, context)
    if (answered := _at_hand(state, text, context)) is not None:
        return answered
    topic = Topic(state.procedure, state.field) if fresh else None
    meaning = understand(
        text,
        context.today,
        awaiting_secret=awaiting_secret(state, context),
        book=context.shelf.words,
        context=topic,
    )
    meaning = msgspec.structs.replace(meaning, intent=petition_follow.heard_anew(meaning.intent, text))
    meaning, also = wishes.heard(meaning, state, context, topic)
    intent = meaning.intent
    unsure = intent in (Intent.UNKNOWN, Intent.GREETING) or (intent is Intent.PROCEDURE and meaning.reading.ask_back)
    if (instead := _goes_on(intent, meaning, text, state, context, unsure=unsure)) is not None:
        return instead
    if _is_about_an_office(intent, meaning, text, state, context, unsure=unsure):
        intent = Intent.CONTACT_OFFICE
    turn = Turn(
        state=state,
        context=context,
        heard=Heard(intent),
        typed=meaning.codes.text,
        codes=meaning.codes,
        secret=meaning.secret,
        reading=meaning.reading,
        also=petition.resumed(state, context) or (None if state.step.startswith("petition.") else also),
    )
    field = rulebook().follow_ups.get(bare(turn.typed))
    if field and fresh and state.procedure and not meaning.codes.anything and meaning.secret is None:
        return msgspec.structs.replace(
            turn, heard=Heard.PROCEDURE, argument=payloads.spelled(state.procedure, field), typed=""
        )
    return turn
