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
    petition_questions,
    procedures,
)
from govchat.conversation.intents import Intent
from govchat.conversation.official_names import asked_by_name
from govchat.conversation.rulebook import bare, looks_for_a_name, other_words, rulebook, wonders_about
from govchat.conversation.say import Outcome
from govchat.conversation.state import TOPIC_S, Also, State
from govchat.conversation.titles import payload_typed
from govchat.conversation.turn import Heard, Table, Turn, awaiting_secret, topic_is_fresh
from govchat.conversation.understand import Meaning, understand
from govchat.dossiers.codes import find_codes
from govchat.handoff.mute import wants_bot
from govchat.kit.text import clean, fold
from govchat.language.read import Context as Topic

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


_GRIEVANCES = frozenset(
    {Intent.COMPLAINT, Intent.COMPLAINT_STATUS, Intent.DENUNCIATION, Intent.DISPUTE, Intent.PETITION, Intent.PROCEDURE}
)
_GRUMBLES = frozenset({Intent.RATING, Intent.UNKNOWN, Intent.OUT_OF_SCOPE, Intent.ABUSE})
_DOSSIER = re.compile(r"\b(?:ho so|hs|ma|cua (?:toi|em|minh))\b")
_FEW = 8  # words of a question about the dossier at hand
# What a bare question asks of a dossier.
_OF_A_DOSSIER = {"time": Heard.PROGRESS, "fee": Heard.PAYMENT, "where": Heard.RESULT}


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


def _listen(state: State, text: str, context: Context) -> Turn:  # noqa: PLR0911 -- one way to be heard a line
    fresh = topic_is_fresh(state, context)
    plain = text.strip()
    if fresh and plain.isascii() and plain.isdigit() and 1 <= int(plain[:9]) <= len(state.choices):
        picked = payloads.spelled(payloads.PROCEDURE, state.choices[int(plain[:9]) - 1], state.field)
        return _tapped(state, picked, context)
    if payload := payload_typed(text):
        return _tapped(state, payload, context)
    if petition.takes_back(text):
        return Turn(state=state, context=context, heard=Heard.DROP_PHOTO)
    if petition.answers_question(text, state, context) and not _asks_else(text, context):
        return Turn(state=state, context=context, heard=Heard.PETITION_MORE, typed=clean(text))
    if (act := rulebook().last_words.get(bare(text))) is not None:
        return Turn(state=state, context=context, heard=Heard.PETITION_CODE, argument=f"{act} ")
    if wants_bot(text):  # it has the word already
        return Turn(state=state, context=context, heard=Heard.MENU)
    topic = Topic(state.procedure, state.field) if fresh else None
    meaning = understand(
        text,
        context.today,
        awaiting_secret=awaiting_secret(state, context),
        book=context.shelf.words,
        context=topic,
    )
    meaning = msgspec.structs.replace(meaning, intent=petition.heard_anew(meaning.intent, text))
    named = asked_by_name(meaning, text, context.shelf.words) if meaning.intent in _GRIEVANCES else None
    meaning, also = (named, None) if named is not None else wishes.heard(meaning, state, context, topic)
    intent = meaning.intent
    unsure = intent in (Intent.UNKNOWN, Intent.GREETING) or (intent is Intent.PROCEDURE and meaning.reading.ask_back)
    about_a_day = intent is Intent.PROCEDURE and office.asks_for_a_day(meaning.reading, text, context)
    if about_a_day or (unsure and office.is_asked_about(text, context)):
        intent = Intent.CONTACT_OFFICE
    if intent is Intent.PROGRESS and fresh and _asks_for_the_time(text, state):
        return _tapped(state, payloads.spelled(payloads.PROCEDURE, state.procedure, "time"), context)
    if not meaning.codes.anything and _is_about_a_dossier(meaning, intent, text, state, context):
        intent = Intent.PROGRESS
    if (
        state.step == "petition.awaiting_text"
        and not petition_questions.is_question(text, intent, meaning.score)
        and petition.is_petition(text, state, context)
    ):
        return Turn(state=state, context=context, heard=Heard.PETITION, typed=clean(text))
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
    if field and not meaning.codes.anything and meaning.secret is None:
        return _followed_up(turn, field, fresh=fresh)
    return turn


def _asks_for_the_time(text: str, state: State) -> bool:
    """Whether "bao giờ có" is about the procedure shown last, no dossier having been told since."""
    about = bool(state.procedure) and state.topic_at > state.looked_at and wonders_about(text) == "when"
    return about and not other_words(text) and not _DOSSIER.search(fold(clean(text, 100)))


def _is_about_a_dossier(meaning: Meaning, intent: Intent, text: str, state: State, context: Context) -> bool:
    """Whether words that were read as something else ask about a dossier: the one told last, or one to be found by a name."""
    named = _DOSSIER.search(fold(clean(text, 100))) is not None
    doubt = intent is Intent.UNKNOWN or (intent is Intent.PROCEDURE and meaning.reading.ask_back)
    if doubt and looks_for_a_name(text) and (named or text.lower().lstrip().startswith("tra")):
        return True
    return (intent in _GRUMBLES or (doubt and named)) and _wonders(text, state, context)


def _wonders(text: str, state: State, context: Context) -> bool:
    """Whether "sao lâu vậy" is about the dossier that was told last, rather than a grievance of its own."""
    lately = state.codes and 0 <= context.seconds - state.looked_at < TOPIC_S and state.looked_at >= state.topic_at
    return bool(lately) and state.step == "idle" and len(text.split()) <= _FEW and bool(wonders_about(text))


def _followed_up(turn: Turn, field: str, *, fresh: bool) -> Turn:
    """A question that is nothing but a field: about the procedure shown last, else about the dossier, else about one to be named."""
    state = turn.state
    if fresh and state.procedure:
        return msgspec.structs.replace(
            turn, heard=Heard.PROCEDURE, argument=payloads.spelled(state.procedure, field), typed=""
        )
    if state.codes and 0 <= turn.context.seconds - state.looked_at < TOPIC_S and field in _OF_A_DOSSIER:
        return msgspec.structs.replace(turn, heard=_OF_A_DOSSIER[field])
    if turn.heard in (Heard.PROCEDURE, Heard.UNKNOWN):
        nothing = msgspec.structs.replace(
            turn.reading, intent="procedure_info", field=field, procedures=(), ask_back=True
        )
        return msgspec.structs.replace(turn, heard=Heard.PROCEDURE, reading=nothing)
    return turn
