"""What a message means, by rules: from its cleaned text to an intent, the codes in it and a secret beside them.

The rules are `rules/vi.toml`. A word typed with its tones matches best, the same word without tones less, a word with other
tones least, so that of two readings the one that was really typed wins. Feeds `step`; no state, no tenant.
"""

import re
from datetime import date
from enum import StrEnum
from functools import cache

import msgspec

from govchat.conversation.rulebook import Phrase, Rulebook, rulebook
from govchat.dossiers.codes import CodesFound, find_codes
from govchat.kit.text import fold, toned

_MOST_WORDS = 100  # a longer message is a story: its beginning says what it is about
_LONGEST_GAP = 10  # words that "…" in a phrase may stand for
_WORD = re.compile(r"[^\W_]+")
_REPEATED = re.compile(r"([^\W\d])\1{2,}")

# How well one typed word stands for a word of a phrase.
_SAME, _TONELESS, _OTHER_TONES = 1.0, 0.8, 0.3
_WELL_ENOUGH = 0.6

_SECRET = re.compile(r"[A-Za-z0-9]{4,12}")
_LONGEST_NUMERIC_SECRET = 8
_PERSONAL_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:(?:\+?84|0)(?:[ .]?[0-9]){9}|0[0-9]{11}|[0-9]{9})(?![0-9A-Za-z])")
# A syllable of Vietnamese without tones: what it matches is more likely a word than a secret.
_SYLLABLE = re.compile(
    r"(?:ngh|ng|nh|gh|gi|kh|ch|th|tr|ph|qu|[bcdghklmnprstvx])?"
    r"(?:uye|uya|uyu|ieu|yeu|uoi|uou|oai|oay|oeo|uay|ia|ie|ye|ua|ue|uo|uy|oa|oe|oo|ai|ay|ao|au|eo|eu|iu|oi|ui|uu|[aeiouy])"
    r"(?:nh|ng|ch|[cmnpt])?"
)


class Intent(StrEnum):
    LOOKUP = "lookup"
    LOST_CODE = "lost_code"
    LOST_SECRET = "lost_secret"  # noqa: S105 -- an intent
    SECRET = "secret"  # noqa: S105 -- an intent
    PERSONAL_NUMBER = "personal_number"
    CONTACT_OFFICE = "contact_office"
    HELP = "help"
    MENU = "menu"
    THANKS = "thanks"
    GREETING = "greeting"
    UNKNOWN = "unknown"


class Meaning(msgspec.Struct, frozen=True):
    """How a message was read. `score` is 0 to 1 (1: codes, or every word as written in the rule); `phrase` is the rule's line."""

    intent: Intent
    codes: CodesFound
    secret: str | None = None
    score: float = 1.0
    phrase: str = ""


class Word(msgspec.Struct, frozen=True):
    """One word of a message: as typed with tones, and its shadow."""

    toned: str
    shadow: str


def understand(text: str, today: date, *, awaiting_secret: bool = False) -> Meaning:
    """Read one message; `awaiting_secret` lets a single short token be a secret. Never raises."""
    found = find_codes(text, today)
    rules = rulebook()
    if found.anything:
        secret = _secret_beside(found, rules) if found.codes else None
        return Meaning(Intent.LOOKUP, found, secret)
    labelled, candidate = _without_label(found.text, rules)
    expected = (awaiting_secret or labelled) and is_secret(candidate, rules, trusted=labelled)
    stands_out = labelled and candidate.isupper() and not found.text.isupper()
    if expected and (stands_out or not candidate.isalpha()):
        return Meaning(Intent.SECRET, found, candidate)
    words = read_words(found.text, rules)
    intent, score, phrase = _best(words, rules)
    if intent is not Intent.UNKNOWN:
        return Meaning(intent, found, score=score, phrase=phrase)
    if expected:
        return Meaning(Intent.SECRET, found, candidate)
    if _PERSONAL_NUMBER.search(found.text):
        return Meaning(Intent.PERSONAL_NUMBER, found)
    return _without_words(found, words, rules)


def read_words(text: str, rules: Rulebook) -> tuple[Word, ...]:
    """The words of a cleaned text, letters that were held down let go, short forms written out."""
    words: list[Word] = []
    for typed in _WORD.findall(toned(text))[:_MOST_WORDS]:
        word = _REPEATED.sub(r"\1", typed)
        written_out = rules.abbreviations.get(word)
        words.extend(_as_words(written_out) if written_out else (Word(word, fold(word)),))
    return tuple(words)


@cache
def _as_words(text: str) -> tuple[Word, ...]:
    return tuple(Word(word, fold(word)) for word in toned(text).split())


def _best(words: tuple[Word, ...], rules: Rulebook) -> tuple[Intent, float, str]:
    """The intent of the best phrase: by rank, then by how much of it was typed how well."""
    best: tuple[int, float, float, str, str] | None = None
    spoken = sum(word.shadow not in rules.particles for word in words)
    present = {word.shadow for word in words}
    for at, word in enumerate(words):
        for phrase in rules.by_first.get(word.shadow, ()):
            points = _points(words, at, phrase) if phrase.needs <= present else None
            if points is None:
                continue
            well = points / phrase.length
            covered = phrase.spoken / spoken if spoken else 1.0
            if well >= _WELL_ENOUGH and covered >= phrase.cover:
                mark = (phrase.rank, points, well, phrase.intent, phrase.text)
                best = max(best, mark) if best else mark
    if best is None:
        if words and not spoken:  # "ad ơi", "dạ", "em ạ"
            return Intent.GREETING, _TONELESS, ""
        return Intent.UNKNOWN, 0.0, ""
    return Intent(best[3]), round(best[2], 2), best[4]


def _points(words: tuple[Word, ...], at: int, phrase: Phrase) -> float | None:
    """How well the phrase is found from word `at` on; None when it is not."""
    points = 0.0
    for number, part in enumerate(phrase.parts):
        if number:
            at = _find(words, at, part)
            if at < 0:
                return None
        for wanted_toned, wanted_shadow in part:
            if at >= len(words) or words[at].shadow != wanted_shadow:
                return None
            points += _likeness(words[at], wanted_toned)
            at += 1
    return points


def _find(words: tuple[Word, ...], start: int, part: tuple[tuple[str, str], ...]) -> int:
    shadows = [shadow for _, shadow in part]
    for at in range(start, min(start + _LONGEST_GAP, len(words) - len(part)) + 1):
        if all(words[at + offset].shadow == shadow for offset, shadow in enumerate(shadows)):
            return at
    return -1


def _likeness(typed: Word, wanted_toned: str) -> float:
    if typed.toned == wanted_toned:
        return _SAME
    return _TONELESS if typed.toned == typed.shadow else _OTHER_TONES


def _secret_beside(found: CodesFound, rules: Rulebook) -> str | None:
    """The secret that follows the last code, when what follows is one."""
    labelled, candidate = _without_label(found.rest.strip(" ,.;:-()"), rules)
    shouting = found.before.isupper()
    trusted = labelled or (candidate.isupper() and not shouting)
    return candidate if is_secret(candidate, rules, trusted=trusted) else None


def _without_label(text: str, rules: Rulebook) -> tuple[bool, str]:
    """Whether a label such as "mã tra cứu" stands before the rest, and the rest without it and without courtesies behind."""
    tokens = text.split()
    words = [fold(token.strip(" ,.;:-()!")) for token in tokens]
    while tokens and words[-1] in rules.particles:
        tokens.pop()
        words.pop()
    for size in range(min(rules.longest_label, len(tokens) - 1), 0, -1):
        if " ".join(words[:size]) in rules.secret_labels:
            return True, " ".join(tokens[size:]).strip(" ,.;:-()!")
    return False, " ".join(tokens).strip(" ,.;:-()!")


def is_secret(candidate: str, rules: Rulebook, *, trusted: bool = False) -> bool:
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
    if shadow in rules.never_secret or shadow in rules.vocabulary:
        return False
    return trusted or not _SYLLABLE.fullmatch(_REPEATED.sub(r"\1", shadow))


def _without_words(found: CodesFound, words: tuple[Word, ...], rules: Rulebook) -> Meaning:
    if not words:
        for intent, signs in rules.signs.items():
            if any(sign in found.text for sign in signs):
                return Meaning(Intent(intent), found, phrase=found.text[:8])
    return Meaning(Intent.UNKNOWN, found, score=0.0)
