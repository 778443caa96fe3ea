"""What goes to people: petitions (phản ánh, kiến nghị), ratings, a wish for an officer, requests about one's own data.

The words of a petition are never kept in the state: the citizen is asked for all of it in one message, and that message is filed.
"""

from uuid import UUID

from govchat.conversation import asks, events, payloads
from govchat.conversation.context import Context
from govchat.conversation.flows.front import menu_buttons, tap
from govchat.conversation.rulebook import bare, rulebook
from govchat.conversation.say import LONGEST_TITLE, Outcome, Tap
from govchat.conversation.state import TOPIC_S, State
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words
from govchat.dossiers.codes import find_codes
from govchat.kit.text import clean, fold
from govchat.petitions.judge import LEAST_LETTERS, LONGEST
from govchat.petitions.models import KINDS
from govchat.privacy.models import KINDS as REQUESTS

_FEWEST_WORDS = 4
_ACTS = {"xac nhan": "confirm", "da giai quyet": "confirm", "mo lai": "reopen", "chua giai quyet": "reopen"}
# What a privacy request is about, by its words without marks; the first that is found.
_ABOUT_DATA = (
    ("erase", ("xoa",)),
    ("withdraw", ("rut lai dong y", "rut dong y", "khong dong y nua")),
    ("correct", ("sua", "chinh sua", "dinh chinh", "cap nhat")),
    ("export", ("ban sao", "tai ve", "xuat")),
)


def is_petition(text: str, state: State, context: Context) -> bool:
    """Whether a message that comes while a petition is being written is that petition: not a command, a code or a word or two."""
    said = clean(text)
    if context.seconds - state.topic_at > TOPIC_S or text.startswith("#") or bare(said) in rulebook().commands:
        return False
    if find_codes(said, context.today).anything:
        return False
    return len(said.split()) >= _FEWEST_WORDS and sum(map(str.isalpha, said)) >= LEAST_LETTERS


def _petition(turn: Turn) -> Outcome:
    """Ask for the kind first, unless a sentence says it."""
    said = fold(turn.typed)
    if "kien nghi" in said or "de nghi" in said or "de xuat" in said:
        return _ask_text(turn, "proposal")
    kinds = ("scene", "reflection", "proposal")
    buttons = tuple(tap(f"petition_{kind}", payloads.spelled(payloads.PETITION_KIND, kind)) for kind in kinds)
    mine = tap("my_petitions", payloads.MY_PETITIONS)
    return turn.answer(words("petition.kinds"), buttons=(*buttons, mine), step="idle", misses=0)


def _kind(turn: Turn) -> Outcome:
    return _ask_text(turn, turn.argument if turn.argument in KINDS else "reflection")


def _ask_text(turn: Turn, kind: str) -> Outcome:
    return turn.answer(
        words(f"petition.text_{kind}"),
        buttons=(tap("cancel", payloads.CANCEL),),
        step="petition.awaiting_text",
        petition=kind,
        topic_at=turn.context.seconds,
        misses=0,
    )


def _file(turn: Turn) -> Outcome:
    """The message is the petition."""
    if not turn.typed:  # the button again
        return _petition(turn)
    if not is_petition(turn.typed, turn.state, turn.context):
        return _too_short(turn)
    kind = turn.state.petition if turn.state.petition in KINDS else "reflection"
    ask = asks.FilePetition(kind, turn.typed[:LONGEST])
    return turn.ask(ask, step="idle", petition="", misses=0)


def _too_short(turn: Turn) -> Outcome:
    return turn.answer(words("petition.more"), buttons=(tap("cancel", payloads.CANCEL),), topic_at=turn.context.seconds)


def _code(turn: Turn) -> Outcome:
    """A petition's code, typed with or without what to do, or by button."""
    if turn.argument:
        act, _, code = turn.argument.partition(" ")
    else:
        said = fold(turn.typed)
        act = next((each for phrase, each in _ACTS.items() if phrase in said), "status")
        code = turn.secret or ""
    return turn.ask(asks.Petition(code, act if act in ("confirm", "reopen") else "status"), step="idle", misses=0)


def _my_petitions(turn: Turn) -> Outcome:
    return turn.ask(asks.MyPetitions(), step="idle", misses=0)


def _human(turn: Turn) -> Outcome:
    """Somebody wants a person: the office hears of it, and they are told when somebody is there."""
    return turn.ask(asks.Person(), step="idle", misses=0)


def _rate(turn: Turn) -> Outcome:
    code, level = turn.argument.partition(" ")[::2] if turn.argument else (_own_code(turn), turn.secret or "")
    if not code or not level.isdecimal() or len(level) > 2:
        return _rating(turn)
    return turn.ask(asks.Rate(code, int(level)), step="idle", misses=0)


def _own_code(turn: Turn) -> str:
    return turn.codes.codes[0].key if turn.codes.codes else ""


def _reason(turn: Turn) -> Outcome:
    try:
        dossier_id, code, key = turn.argument.split(" ")
        return turn.ask(asks.Reason(UUID(dossier_id), code, key), step="idle", misses=0)
    except ValueError:
        return _rating(turn)


def _rating(turn: Turn) -> Outcome:
    """Praise or blame without a dossier: thanks, and where it is heard."""
    buttons = (tap("petition", payloads.PETITION), tap("contact", payloads.CONTACT))
    return turn.answer(words("guide.rating"), buttons=buttons, misses=0)


def _privacy(turn: Turn) -> Outcome:
    """What is kept first; a wish to erase is confirmed by a button before it is one."""
    said = fold(turn.typed)
    kind = next((kind for kind, phrases in _ABOUT_DATA if any(phrase in said for phrase in phrases)), "")
    if not kind:
        return turn.ask(asks.Privacy("kept"), step="idle", misses=0)
    buttons = (
        tap(f"privacy_{kind}", payloads.spelled(payloads.PRIVACY_KIND, kind)),
        tap("privacy_kept", payloads.spelled(payloads.PRIVACY_KIND, "kept")),
        tap("contact", payloads.CONTACT),
    )
    return turn.answer(words("guide.privacy"), buttons=buttons, step="idle", misses=0)


def _privacy_kind(turn: Turn) -> Outcome:
    kind = turn.argument if turn.argument in (*REQUESTS, "kept") else "kept"
    return turn.ask(asks.Privacy(kind), step="idle", misses=0)


def _my_requests(turn: Turn) -> Outcome:
    return turn.ask(asks.Privacy("mine"), step="idle", misses=0)


def _told(turn: Turn) -> Outcome:
    told = turn.event if isinstance(turn.event, events.Told) else events.Told("")
    buttons = tuple(Tap(each.title[:LONGEST_TITLE], each.payload) for each in told.buttons if each.title)
    return turn.answer(told.text.strip() or words("dossier.no_answer"), buttons=buttons or menu_buttons())


TABLE: Table = {
    (None, Heard.PETITION): _petition,
    ("petition.awaiting_text", Heard.PETITION): _file,
    ("petition.awaiting_text", Heard.UNKNOWN): _too_short,
    (None, Heard.PETITION_KIND): _kind,
    (None, Heard.PETITION_CODE): _code,
    (None, Heard.MY_PETITIONS): _my_petitions,
    (None, Heard.HUMAN): _human,
    (None, Heard.RATE): _rate,
    (None, Heard.REASON): _reason,
    (None, Heard.RATING): _rating,
    (None, Heard.PRIVACY): _privacy,
    (None, Heard.PRIVACY_KIND): _privacy_kind,
    (None, Heard.MY_REQUESTS): _my_requests,
    (None, Heard.TOLD): _told,
}
