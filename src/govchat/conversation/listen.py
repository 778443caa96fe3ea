"""What a written message is taken for in the state of a conversation: `listen(state, text, context)` answers a turn.

First what it may answer (`at_hand`), then its words (`understand`), then what a question that hardly says anything is about: the dossier
or the procedure shown last, an office, a grievance that was explained.
"""

import re

import msgspec

from govchat.conversation import payloads, wishes
from govchat.conversation.at_hand import at_hand, tapped
from govchat.conversation.context import Context
from govchat.conversation.flows import guidance, office, petition, petition_follow, petition_questions
from govchat.conversation.intents import Intent
from govchat.conversation.official_names import asked_by_name
from govchat.conversation.rulebook import bare, looks_for_a_name, other_words, rulebook, wonders_about
from govchat.conversation.state import TOPIC_S, State
from govchat.conversation.turn import Heard, Turn, awaiting_secret, topic_is_fresh
from govchat.conversation.understand import Meaning, understand
from govchat.kit.text import clean, fold
from govchat.language.read import Context as Topic

_GRIEVANCES = frozenset(
    {Intent.COMPLAINT, Intent.COMPLAINT_STATUS, Intent.DENUNCIATION, Intent.DISPUTE, Intent.PETITION, Intent.PROCEDURE}
)
_GRUMBLES = frozenset({Intent.RATING, Intent.UNKNOWN, Intent.OUT_OF_SCOPE, Intent.ABUSE})
_DOSSIER = re.compile(r"\b(?:ho so|hs|ma|cua (?:toi|em|minh))\b")
_FEW = 8  # words of a question about the dossier at hand
# What a bare question asks of a dossier.
_OF_A_DOSSIER = {"time": Heard.PROGRESS, "fee": Heard.PAYMENT, "where": Heard.RESULT}
_FORGOTTEN = frozenset({Intent.COMPLAINT, Intent.DENUNCIATION})
# What a question about an office may look like by itself.
_ASIDE = frozenset({Intent.OUT_OF_SCOPE, Intent.RATING, Intent.BROWSE, Intent.COMPLAINT_STATUS})


def listen(state: State, text: str, context: Context) -> Turn:
    """What the message is heard as; pure and total like `step`."""
    fresh = topic_is_fresh(state, context)
    plain = text.strip()
    if fresh and plain.isascii() and plain.isdigit() and 1 <= int(plain[:9]) <= len(state.choices):
        picked = payloads.spelled(payloads.PROCEDURE, state.choices[int(plain[:9]) - 1], state.field)
        return tapped(state, picked, context)
    if (answered := at_hand(state, text, context)) is not None:
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
    named = asked_by_name(meaning, text, context.shelf.words) if meaning.intent in _GRIEVANCES else None
    meaning, also = (named, None) if named is not None else wishes.heard(meaning, state, context, topic)
    intent = meaning.intent
    unsure = intent in (Intent.UNKNOWN, Intent.GREETING) or (intent is Intent.PROCEDURE and meaning.reading.ask_back)
    if named is None and (instead := _goes_on(intent, meaning, text, state, context, unsure=unsure)) is not None:
        return instead
    if _is_about_an_office(intent, meaning, text, state, context, unsure=unsure):
        intent = Intent.CONTACT_OFFICE
    if intent is Intent.PROGRESS and fresh and _asks_for_the_time(text, state):
        return tapped(state, payloads.spelled(payloads.PROCEDURE, state.procedure, "time"), context)
    if not meaning.codes.anything and _is_about_a_dossier(meaning, intent, text, state, context):
        intent = Intent.PROGRESS
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


def _is_inherited(intent: Intent, meaning: Meaning) -> bool:
    """Whether a procedure is asked about that the message itself does not name."""
    return intent is Intent.PROCEDURE and meaning.reading.inherited


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
