"""Two wishes in one message: which is answered, and which is answered with it or offered as a button.

From the reading of the whole message and of its parts, cut at punctuation and joining words, to what is heard first and an `Also` for the
second. Pure; the parts are read only where there is something to cut.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from govchat.conversation import payloads
from govchat.conversation.context import Context
from govchat.conversation.intents import HEARD, Intent, data_wish
from govchat.conversation.rulebook import bare, rulebook
from govchat.conversation.state import Also, State
from govchat.conversation.understand import Meaning, understand
from govchat.dossiers.codes import CodesFound
from govchat.handoff.mute import wants_bot
from govchat.kit.text import fold
from govchat.language.read import Context as Topic
from govchat.language.read import Reading
from govchat.offices import day, find

_MOST_PARTS = 4  # a story has more, and one wish as a rule
_LONGEST = 400  # characters of a message that is cut
_SURE, _VERY_SURE = 0.6, 0.8
_ENDS = ",;.?!"
_GRIEVANCES = frozenset({Intent.COMPLAINT, Intent.DENUNCIATION})
_DOSSIER = frozenset({Intent.LOOKUP, Intent.PROGRESS})
_NOTICES = frozenset({Intent.SUBSCRIBE, Intent.UNSUBSCRIBE, Intent.OPT_OUT})
_SMALL_TALK = frozenset({Intent.GREETING, Intent.THANKS, Intent.ABUSE, Intent.OUT_OF_SCOPE, Intent.UNKNOWN})
# What is whole by itself: a secret, a level, a number, a petition's code.
_WHOLE = frozenset({Intent.SECRET, Intent.RATE, Intent.PERSONAL_NUMBER, Intent.PETITION_CODE, Intent.CANCEL})

# The button of a second wish that needs no more than its name.
_PLAIN: Mapping[Intent, str] = MappingProxyType(
    {
        Intent.MY_DOSSIERS: payloads.MINE,
        Intent.LOST_CODE: payloads.LOST_CODE,
        Intent.BROWSE: payloads.EVENTS,
        Intent.FILE_ONLINE: payloads.FILE_ONLINE,
        Intent.SUPPLEMENT: payloads.SUPPLEMENT,
        Intent.PAYMENT: payloads.PAYMENT,
        Intent.RESULT: payloads.RESULT,
        Intent.WITHDRAW: payloads.WITHDRAW,
        Intent.SCAN_HELP: payloads.SCAN,
        Intent.UNSUBSCRIBE: payloads.UNSUBSCRIBE,
        Intent.OPT_OUT: payloads.OPT_OUT,
        Intent.LINK: payloads.LINK,
        Intent.HUMAN: payloads.PERSON,
        Intent.PETITION: payloads.PETITION,
        Intent.COMPLAINT: payloads.COMPLAINT,
        Intent.COMPLAINT_STATUS: payloads.LOOKUP,
        Intent.DISPUTE: payloads.DISPUTE,
        Intent.RATING: payloads.RATE,
        Intent.MY_PETITIONS: payloads.MY_PETITIONS,
    }
)
_OFFERED = frozenset(
    {
        *_PLAIN,
        *_DOSSIER,
        Intent.PROCEDURE,
        Intent.CONTACT_OFFICE,
        Intent.SUBSCRIBE,
        Intent.PRIVACY,
        Intent.DENUNCIATION,
    }
)


def heard(whole: Meaning, state: State, context: Context, topic: Topic | None) -> tuple[Meaning, Also | None]:
    """What is answered, and what else the message wished for; the first is the whole reading unless its parts say better."""
    text = whole.codes.text
    if whole.intent in _WHOLE or whole.reading.correction or bare(text) in rulebook().commands or wants_bot(text):
        return whole, None
    cut = parts(whole.codes)
    if len(cut) > 1:
        before = (
            None if whole.intent in _DOSSIER else topic
        )  # "hồ sơ này bao giờ xong, nhận ở đâu" is about the dossier
        main, second = _ordered(whole, list(_read(cut, context, before)))
        if second is not None:
            return main, _also(second, state, context, aloud=_is_short(second, whole))
        if main is not whole:
            return main, None
    return whole, _behind(whole, state, context)


def must_be_forgotten(text: str, context: Context) -> bool:
    """Whether a message tells of what the law forbids to keep here, also while nobody answers it: an officer has the word."""
    meaning = understand(text, context.today, book=context.shelf.words)
    return heard(meaning, State(), context, None)[0].intent in _GRIEVANCES


def parts(found: CodesFound) -> list[str]:
    """A message cut where one wish ends and the next begins; one part when there is nothing to cut, or too much."""
    if len(found.text) > _LONGEST:
        return [found.text]
    tokens = found.text.split(" ")
    folded = [fold(token.strip(_ENDS)) for token in tokens]
    cut: list[list[str]] = [[]]
    at = place = 0
    while place < len(tokens):
        begin = at
        joint = 0 if _in_code(begin, found) else _joint(folded, place)
        if joint and cut[-1]:
            cut.append([])
        for token in tokens[place : place + max(joint, 1)]:
            at += len(token) + 1
            if not joint:
                cut[-1].append(token)
        if not joint and tokens[place][-1:] in _ENDS and not _in_code(at - 2, found):
            cut.append([])
        place += max(joint, 1)
    said: list[str] = []
    for each in cut:
        if len(each) < 2 and said:
            said[-1] = " ".join((said[-1], *each))
        elif each:
            said.append(" ".join(each))
    return said if 0 < len(said) <= _MOST_PARTS else [found.text]


def _joint(folded: Sequence[str], place: int) -> int:
    """How many words that only join begin here; 0 for none."""
    return next(
        (
            size
            for size in range(min(3, len(folded) - place), 0, -1)
            if " ".join(folded[place : place + size]) in rulebook().joints
        ),
        0,
    )


def _in_code(at: int, found: CodesFound) -> bool:
    return any(start <= at < end for start, end in found.spans)


def _read(cut: Sequence[str], context: Context, topic: Topic | None) -> Iterator[Meaning]:
    """Each part as a message of its own; what a part names the next may ask about."""
    for part in cut:
        meaning = understand(part, context.today, book=context.shelf.words)
        if topic is not None and not _is_wish(meaning):  # "lệ phí bao nhiêu" asks about what was named before
            meaning = understand(part, context.today, book=context.shelf.words, context=topic)
        if meaning.intent in (Intent.PROCEDURE, Intent.FILE_ONLINE) and meaning.reading.procedures:
            topic = Topic(meaning.reading.procedures[0].code, meaning.reading.field)
        yield meaning


def _is_wish(one: Meaning) -> bool:
    if one.intent is Intent.FILE_ONLINE and one.reading.procedures and one.reading.behind == "procedure_info":
        return True  # in doubt between two that are answered alike
    return one.intent in _OFFERED and one.score >= _SURE


def _ordered(whole: Meaning, read: Sequence[Meaning]) -> tuple[Meaning, Meaning | None]:
    wanted = [one for one in read if _is_wish(one)]
    grievance = next((one for one in read if one.intent in _GRIEVANCES), None)
    if grievance is not None and _goes_first(grievance, whole):
        return grievance, _other(grievance, wanted, whole)
    if not wanted:
        return whole, None
    if whole.intent is Intent.PROCEDURE and (both := _two_questions(whole, wanted)) is not None:
        return both
    if whole.reading.ask_why == "two wishes":
        return whole, next((one for one in wanted if one.intent is not Intent.PROCEDURE), None)
    first = wanted[0]
    if whole.intent in _SMALL_TALK:
        return (first, _other(first, wanted, whole)) if first.score >= _VERY_SURE else (whole, None)
    proved = next((one for one in wanted if one.secret and one.codes.codes and whole.intent in _DOSSIER), None)
    if proved is not None and whole.secret is None:  # the secret stood before the second wish
        main = proved
    elif any(_family(one) is _family(whole) for one in wanted):
        main = first if _is_first_of_two(first, whole) else _plainer(wanted, whole)
    elif _other(first, wanted, whole) is not None and (_confirmed(first, whole) or whole.reading.ask_back):
        main = first
    else:  # the parts say something else than the whole: believed where the whole says it as well
        wanted, main = [one for one in wanted if _confirmed(one, whole)], whole
    return main, _other(main, wanted, whole)


def _goes_first(grievance: Meaning, whole: Meaning) -> bool:
    """What the law protects is forgotten before anything else is answered, also when it was said beside something else."""
    if whole.intent in _GRIEVANCES:
        return False
    if grievance.intent is Intent.DENUNCIATION:
        return True
    return grievance.score >= _VERY_SURE and whole.intent not in (Intent.PETITION, Intent.COMPLAINT_STATUS)


def _two_questions(whole: Meaning, wanted: Sequence[Meaning]) -> tuple[Meaning, Meaning] | None:
    """Two procedures, each with a question of its own; None for one, and for one question about both."""
    sure = 0.0 if whole.reading.ask_why == "two wishes" else _VERY_SURE
    asked = [one for one in wanted if one.intent is Intent.PROCEDURE and one.reading.field and one.score >= sure]
    return (asked[0], asked[1]) if len(asked) == 2 and _code(asked[0]) != _code(asked[1]) else None


def _is_first_of_two(first: Meaning, whole: Meaning) -> bool:
    """Whether the part said first is answered first, though the whole was read as the other one.

    A dossier's state goes before all, and what must be forgotten before that.
    """
    if (
        whole.intent in (*_DOSSIER, *_GRIEVANCES)
        or first.intent in (whole.intent, Intent.FILE_ONLINE)
        or first.score < _VERY_SURE
    ):
        return False
    return _confirmed(first, whole) and (first.intent is not Intent.PROCEDURE or bool(first.reading.field))


def _plainer(wanted: Sequence[Meaning], whole: Meaning) -> Meaning:
    """The whole, unless it is in doubt only because it says two things: then the part that says the first of them."""
    reading = whole.reading
    if not reading.ask_back or reading.ask_why != f"{reading.intent} or {reading.behind}":
        return whole
    sure = (one for one in wanted if _family(one) is _family(whole) and not one.reading.ask_back)
    return next(sure, whole)


def _confirmed(one: Meaning, whole: Meaning) -> bool:
    """Whether the reading of the whole message saw that wish as well."""
    behind = whole.reading.behind
    kin = next((each for each in (_DOSSIER, _NOTICES) if one.intent in each), ())
    return bool(behind) and HEARD.get((behind, "")) in (one.intent, *kin)


def _other(main: Meaning, wanted: Sequence[Meaning], whole: Meaning) -> Meaning | None:
    return next((one for one in wanted if _differs(one, main, whole)), None)


def _differs(one: Meaning, main: Meaning, whole: Meaning) -> bool:
    if _family(one) is not _family(main):
        return not _asks_whether_online(one, main)
    if one.intent is not Intent.PROCEDURE or not one.reading.field:
        return False
    if _code(one) != _code(main):
        return whole.reading.ask_why == "two wishes"
    return bool(main.reading.field) and one.reading.field != main.reading.field


def _asks_whether_online(one: Meaning, main: Meaning) -> bool:
    """Whether "kết hôn nộp online được không" asks what the answer about that procedure tells already."""
    told = main.intent is Intent.PROCEDURE and main.reading.field == "online" and not main.reading.ask_back
    doubted = one.intent is Intent.FILE_ONLINE and one.reading.behind == "procedure_info"
    return told and doubted and _code(one) == _code(main)


def _family(one: Meaning) -> Intent:
    return Intent.PROGRESS if one.intent in _DOSSIER else one.intent


def _code(one: Meaning) -> str:
    return one.reading.procedures[0].code if one.reading.procedures else ""


def _is_short(second: Meaning, whole: Meaning) -> bool:
    """Whether the second wish can be answered with the first: a question about a procedure, or about the office."""
    if second.intent is Intent.PROCEDURE:
        return bool(second.reading.field) or whole.reading.behind == "procedure_info"
    return second.intent is Intent.CONTACT_OFFICE


def _behind(whole: Meaning, state: State, context: Context) -> Also | None:
    """What came second in the reading of a message that can't be cut."""
    reading = whole.reading
    intent = HEARD.get((reading.behind, "")) if reading.behind else None
    if intent is None or intent is whole.intent or intent not in _OFFERED or whole.intent in _SMALL_TALK:
        return None
    said = msgspec.structs.replace(whole, intent=intent)
    if intent is Intent.PROCEDURE:
        # "hồ sơ đất tới đâu rồi" asks about no procedure, unless the dossier is named by its code
        asked = whole.intent in _DOSSIER and bool(whole.codes.codes and reading.field)
        return _also(said, state, context, aloud=True) if asked else None
    found = _also(said, state, context, aloud=False)
    return msgspec.structs.replace(found, quiet=True) if found else None


def as_button(wish: Meaning, state: State, context: Context) -> Also | None:
    """A wish as the button that stands for it, answered in words as well where that is short; None for what has no button."""
    return _also(wish, state, context, aloud=wish.intent in (Intent.PROCEDURE, Intent.CONTACT_OFFICE))


def _also(second: Meaning, state: State, context: Context, *, aloud: bool) -> Also | None:
    intent, reading, own = second.intent, second.reading, _own_code(second, state, context)
    if intent is Intent.PROCEDURE:
        return _procedure(reading, context, aloud=aloud)
    if intent is Intent.CONTACT_OFFICE:
        return _office(second.codes.text, context, aloud=aloud)
    if intent in _DOSSIER:
        return Also(payloads.spelled(payloads.CODE, own) if own else payloads.LOOKUP)
    if intent is Intent.SUBSCRIBE:
        return Also(payloads.spelled(payloads.SUBSCRIBE, own))
    if intent is Intent.PRIVACY:
        return Also(payloads.spelled(payloads.PRIVACY_KIND, data_wish(second.codes.text) or "kept"))
    plain = _PLAIN.get(intent)
    return Also(plain) if plain else None


def _procedure(reading: Reading, context: Context, *, aloud: bool) -> Also | None:
    code = reading.procedures[0].code if reading.procedures else ""
    if not code or context.shelf.find(code, context.today) is None:
        return None
    return Also(payloads.spelled(payloads.PROCEDURE, code, reading.field[:16]), aloud)


def _office(text: str, context: Context, *, aloud: bool) -> Also:
    manifest = context.tenant.manifest
    if manifest is None:
        return Also(payloads.CONTACT, aloud)
    named = find.find(manifest, text)
    asked = day.asked_day(manifest, text, context.today)
    agency = named[0].code if len(named) == 1 else ""
    return Also(payloads.spelled(payloads.CONTACT, agency)[:100], aloud, on=asked.isoformat() if asked else "")


def _own_code(second: Meaning, state: State, context: Context) -> str:
    own = [code.key for code in second.codes.codes if code.letter_code in context.tenant.h_codes]
    return (own or list(state.codes) or [""])[0]
