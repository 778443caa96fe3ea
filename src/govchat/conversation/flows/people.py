"""What goes to people: ratings, a wish for an officer, requests about one's own data; petitions are next door (`petition`)."""

from uuid import UUID

from govchat.citizens.consent import Purpose, text_of
from govchat.conversation import asks, events, payloads
from govchat.conversation.flows.front import menu_buttons, tap
from govchat.conversation.intents import data_wish
from govchat.conversation.rulebook import bare, rulebook
from govchat.conversation.say import LONGEST_TITLE, Outcome, Tap
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words
from govchat.kit.text import clean, fold
from govchat.privacy.models import KINDS as REQUESTS
from govchat.ratings.give import LONGEST_COMMENT

AGREEABLE = frozenset({"survey", "broadcast"})
_SHORT = 8  # words
QUESTIONS = frozenset({"time", "attitude", "clarity", "costs"})


def _human(turn: Turn) -> Outcome:
    """Somebody wants a person: the office hears of it, and they are told when somebody is there."""
    return turn.ask(asks.Person(), step="idle", misses=0)


def _rate(turn: Turn) -> Outcome:
    """A level was tapped or typed; without one the levels are offered."""
    code, level = turn.argument.partition(" ")[::2] if turn.argument else (_own_code(turn), turn.secret or "")
    known = level.isascii() and level.isdigit() and len(level) <= 2
    return turn.ask(asks.Rate(code, int(level) if known and code else None), step="idle", misses=0)


def _own_code(turn: Turn) -> str:
    return turn.codes.codes[0].key if turn.codes.codes else ""


def _reason(turn: Turn) -> Outcome:
    try:
        dossier_id, code, key = turn.argument.split(" ")
        return turn.ask(asks.Reason(UUID(dossier_id), code, key), step="idle", misses=0)
    except ValueError:
        return _rating(turn)


def _opinion(turn: Turn) -> Outcome:
    try:
        dossier_id, code, about, value = turn.argument.split(" ")
        if about in QUESTIONS and value.isascii() and value.isdigit() and len(value) == 1:
            return turn.ask(asks.Opinion(UUID(dossier_id), code, about, int(value)), step="idle", misses=0)
    except ValueError:
        pass
    return _rating(turn)


def _rating(turn: Turn) -> Outcome:
    """A wish to rate, praise or blame: of a dossier where one has its result, else thanks and where it is heard."""
    said = fold(clean(turn.typed, 200)) if len(turn.typed.split()) <= _SHORT else ""
    return turn.ask(asks.Rate(_own_code(turn), said=said, alone=turn.typed.strip().isdigit()), step="idle", misses=0)


def _comment(turn: Turn) -> Outcome:
    """What was written instead of an answer goes to the office with the rating."""
    parts = turn.state.rating.split(" ")
    try:
        about = parts[3] if parts[0] == "think" else ""
        return turn.ask(
            asks.Comment(UUID(parts[1]), parts[2], about, turn.typed[:LONGEST_COMMENT]), step="idle", misses=0
        )
    except (ValueError, IndexError):
        return _rating(turn)


def _agree(turn: Turn) -> Outcome:
    return turn.ask(asks.Agree(turn.argument if turn.argument in AGREEABLE else "survey"), misses=0)


def _may_ask(turn: Turn) -> Outcome:
    return _agreeable(turn, "survey")


def _may_write(turn: Turn) -> Outcome:
    return _agreeable(turn, "broadcast")


def _agreeable(turn: Turn, purpose: Purpose) -> Outcome:
    """What would be agreed to is read before it is agreed to (Law 91/2025): one tap."""
    agree = tap("agree", payloads.spelled(payloads.AGREE, purpose))
    return turn.answer(
        text_of(purpose).text, words("consent.ask"), buttons=(agree, tap("menu", payloads.MENU)), step="idle", misses=0
    )


def _no_survey(turn: Turn) -> Outcome:
    """Withdrawn by the message itself."""
    return turn.ask(asks.Disagree("survey"), step="idle", misses=0)


def _privacy(turn: Turn) -> Outcome:
    """What is kept first; a wish to erase is confirmed by a button before it is one. Consent is withdrawn by the message itself."""
    kind = data_wish(turn.typed)
    if kind == "withdraw" and bare(turn.typed) in rulebook().commands:
        return turn.ask(asks.Privacy("withdraw"), step="idle", misses=0)
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
    text = told.text.strip() or words("dossier.no_answer")
    changes = {"rating": told.asked[:140], "rating_at": turn.context.seconds} if told.asked else {"rating": ""}
    return turn.answer(text, buttons=buttons or menu_buttons(), **changes)


TABLE: Table = {
    (None, Heard.HUMAN): _human,
    (None, Heard.RATE): _rate,
    (None, Heard.REASON): _reason,
    (None, Heard.OPINION): _opinion,
    (None, Heard.COMMENT): _comment,
    (None, Heard.AGREE): _agree,
    (None, Heard.SURVEY): _may_ask,
    (None, Heard.NO_SURVEY): _no_survey,
    (None, Heard.BROADCAST): _may_write,
    (None, Heard.RATING): _rating,
    (None, Heard.PRIVACY): _privacy,
    (None, Heard.PRIVACY_KIND): _privacy_kind,
    (None, Heard.MY_REQUESTS): _my_requests,
    (None, Heard.TOLD): _told,
}
