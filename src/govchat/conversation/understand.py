"""What a message means for the flows of a chat: the reading of its words, the dossier codes in it and a secret beside them.

`language.read` reads the words; what only a conversation can know is added here: whether a short token is a look-up secret, and which of
its flows an intent belongs to. Feeds `step`; no state.
"""

import re
from datetime import date

import msgspec

from govchat.conversation.intents import HEARD, Intent
from govchat.conversation.rulebook import (
    Rulebook,
    asks_for_a_fee,
    bare,
    code_finder,
    names_something_else,
    rulebook,
    shared_book,
)
from govchat.dossiers.codes import CodesFound, find_codes
from govchat.kit.text import fold
from govchat.language.book import Book
from govchat.language.read import Context, Reading, read
from govchat.language.syllables import is_syllable
from govchat.petitions import codes as petition_codes

_REPEATED = re.compile(r"([^\W\d])\1{2,}")
_SECRET = re.compile(r"[A-Za-z0-9]{4,12}")
_LONGEST_NUMERIC_SECRET = 8
_SURE = 0.8
# Fields that a question of another kind has words of by chance: "được không".
_VAGUE = frozenset({"conditions", "online"})
_ENTITLED = re.compile(r"\bduoc\b|\bdc\b")
_LEVEL = re.compile("[1-5]")
# "thôi đừng báo nữa", "hủy nhận mọi thông báo": never taken for the wish to be told.
_ENDS_NOTICES = re.compile(
    r"^(?:\w+ ){0,3}?(?:huy|ngung|tat|bo theo doi|dung (?:nhan|gui|bao|thong)|(?:khong|ko|k) (?:muon |can )?(?:nhan|gui|bao))\b"
)
_ABOUT_A_DOSSIER = re.compile(r"\b(?:thong bao|tb|ho so|hs)\b")


class Meaning(msgspec.Struct, frozen=True):
    """How a message was read. `score` is 0 to 1, 1 for codes; `reading` says it all: procedures, field, slots, whether to ask back."""

    intent: Intent
    codes: CodesFound
    secret: str | None = None
    score: float = 1.0
    reading: Reading = Reading(intent="out_of_scope", understood=False)


# What a code may stand beside without being looked up.
_WITH_A_CODE = frozenset({Intent.SUBSCRIBE, Intent.UNSUBSCRIBE, Intent.WITHDRAW, Intent.RATING})


def understand(
    text: str,
    today: date,
    *,
    awaiting_secret: bool = False,
    book: Book | None = None,
    context: Context | None = None,
) -> Meaning:
    """Read one message; `awaiting_secret` lets a single short token be a secret, `book` brings a province's own words. Never raises."""
    book = book or shared_book()
    found = find_codes(text, today)
    rules = rulebook()
    reading = read(text, book, context=context, find_codes=code_finder(today))
    if reading.inherited and reading.intent == "procedure_info" and reading.procedures[0].why == "from the context":
        plain = read(text, book, find_codes=code_finder(today))
        if _is_about_no_procedure(plain, reading) or names_something_else(found.text):
            reading = plain
    if reading.field == "fee" and reading.procedures and not asks_for_a_fee(found.text):
        reading = msgspec.structs.replace(reading, field="conditions" if _ENTITLED.search(fold(found.text)) else "")
    command = rules.commands.get(bare(found.around if found.anything else found.text))
    if found.anything or petition_codes.find(found.text) is not None:
        return _with_code(found, reading, command, rules, book)
    if command:
        return Meaning(command, found, reading=reading)
    labelled, candidate = _without_label(found.text, rules, book)
    expected = (awaiting_secret or labelled) and is_secret(candidate, rules, book, trusted=labelled)
    stands_out = labelled and candidate.isupper() and not found.text.isupper()
    if expected and (stands_out or not candidate.isalpha()):
        return Meaning(Intent.SECRET, found, candidate, reading=reading)
    intent = _heard(reading, found)
    if intent is Intent.UNKNOWN and expected:
        return Meaning(Intent.SECRET, found, candidate, reading=reading)
    if intent is not Intent.UNKNOWN:
        return Meaning(intent, found, score=reading.confidence, reading=reading)
    return _without_words(found, reading, rules, book)


def _is_about_no_procedure(plain: Reading, inherited: Reading) -> bool:
    """ "giá vàng", or "nộp phí qua ví được không": a question that is whole without the procedure shown last."""
    if not plain.understood:
        return False
    sure = plain.confidence >= _SURE and plain.intent != "procedure_info"
    office = plain.intent == "contact_office" and inherited.field != "conditions"
    return plain.intent == "out_of_scope" or (sure and inherited.field in _VAGUE and not office)


def _with_code(found: CodesFound, reading: Reading, command: Intent | None, rules: Rulebook, book: Book) -> Meaning:
    """A message with a code: a petition's, a dossier's that is rated, followed or withdrawn, else one to look up."""
    if (petition := petition_codes.find(found.text)) is not None:
        return Meaning(Intent.PETITION_CODE, found, petition, reading=reading)
    if found.codes and (level := _LEVEL.fullmatch(found.rest.strip())) and "danh gia" in fold(found.before):
        return Meaning(Intent.RATE, found, level[0], reading=reading)
    secret = _secret_beside(found, rules, book) if found.codes else None
    said = command or _heard(reading, found)
    return Meaning(Intent.LOOKUP if secret or said not in _WITH_A_CODE else said, found, secret, reading=reading)


def _heard(reading: Reading, found: CodesFound) -> Intent:
    """The flow's name for what was read."""
    if not reading.understood:
        return Intent.UNKNOWN
    plain = HEARD.get((reading.intent, ""), Intent.UNKNOWN)
    intent = HEARD.get((reading.intent, reading.detail), plain)
    if intent is Intent.LINK and (reading.slots.phones or reading.slots.id_numbers):
        return Intent.PERSONAL_NUMBER  # a typed number proves nothing
    if intent is Intent.SUBSCRIBE and _ENDS_NOTICES.search(fold(found.text)):
        return Intent.UNSUBSCRIBE
    if intent is Intent.OPT_OUT and (found.codes or _ABOUT_A_DOSSIER.search(fold(found.text))):
        return Intent.UNSUBSCRIBE  # "dừng" ends broadcasts, "hủy nhận thông báo" what is told of dossiers
    return intent


def _secret_beside(found: CodesFound, rules: Rulebook, book: Book) -> str | None:
    """The secret that follows the last code, when what follows is one."""
    labelled, candidate = _without_label(found.rest.strip(" ,.;:-()"), rules, book)
    shouting = found.before.isupper()
    trusted = labelled or (candidate.isupper() and not shouting)
    return candidate if is_secret(candidate, rules, book, trusted=trusted) else None


def _without_label(text: str, rules: Rulebook, book: Book) -> tuple[bool, str]:
    """Whether a label such as "mã tra cứu" stands before the rest, and the rest without it and without courtesies behind."""
    tokens = text.split()
    words = [fold(token.strip(" ,.;:-()!")) for token in tokens]
    while tokens and words[-1] in book.courtesies:
        tokens.pop()
        words.pop()
    for size in range(min(rules.longest_label, len(tokens) - 1), 0, -1):
        if " ".join(words[:size]) in rules.secret_labels:
            return True, " ".join(tokens[size:]).strip(" ,.;:-()!")
    return False, " ".join(tokens).strip(" ,.;:-()!")


def is_secret(candidate: str, rules: Rulebook, book: Book, *, trusted: bool = False) -> bool:
    """Whether a token may be a look-up secret: 4 to 12 letters and digits that are no word and no phone or card number.

    `trusted` (a label stands before it, or it stands out in capitals) lets a token be one that could also be a syllable.
    """
    if not _SECRET.fullmatch(candidate):
        return False
    if candidate.isdigit():
        return len(candidate) <= _LONGEST_NUMERIC_SECRET
    if not candidate.isalpha():
        return True
    shadow = candidate.lower()
    stands_out = trusted and candidate.isupper()
    if shadow in rules.never_secret or (shadow in book.vocabulary and not stands_out):
        return False
    return trusted or not is_syllable(_REPEATED.sub(r"\1", shadow))


def _without_words(found: CodesFound, reading: Reading, rules: Rulebook, book: Book) -> Meaning:
    if reading.slots.phones or reading.slots.id_numbers:
        return Meaning(Intent.PERSONAL_NUMBER, found, reading=reading)
    words = re.findall(r"[^\W_]+", fold(found.text))
    if words and all(word in book.courtesies for word in words):  # "ad ơi", "dạ", "em ạ"
        return Meaning(Intent.GREETING, found, score=0.5, reading=reading)
    if not words:
        for intent, signs in rules.signs.items():
            if any(sign in found.text for sign in signs):
                return Meaning(Intent(intent), found, reading=reading)
    return Meaning(Intent.UNKNOWN, found, score=0.0, reading=reading)
