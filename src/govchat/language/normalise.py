"""From a message to words that can be compared, in a fixed order: look-alikes, protected tokens, keystrokes, short forms, courtesies.

Each word keeps how it was typed and how it came to be, so that a reading can be explained.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

import msgspec

from govchat.errors import ConfigurationError
from govchat.language.keyboards import decode
from govchat.language.syllables import is_syllable, shadow, spelled

MOST_WORDS = 120  # of a longer message the beginning and the end are read
_LAST_WORDS = 30
_LONGEST_WORD = 40
_TOKEN = re.compile(r"<[a-z]+>|[^\W_]+|[?!.,;:+&]")
_BREAKS = frozenset("?!.,;:+&")
_HELD_DOWN = re.compile(r"([^\W\d])\1{2,}")
_DOUBLED = re.compile(r"([^\W\d])\1+$")


class Word(msgspec.Struct, frozen=True, gc=False):
    """One word: with its marks, its shadow, whether it is a courtesy, whether a break stands before it, how it was made."""

    toned: str
    shadow: str
    courtesy: bool = False
    after_break: bool = False
    made: str = ""  # "", "keys", "short", "split", "typo"


class _Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    short: str
    means: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    courtesies: tuple[str, ...]
    short: dict[str, str]
    context: tuple[_Context, ...] = ()


class Spelling(msgspec.Struct, frozen=True):
    """Short forms, short forms that depend on a neighbour, courtesies; keys and neighbours as `spelled` or shadows."""

    courtesies: frozenset[str]
    short: Mapping[str, tuple[str, ...]]
    context: Mapping[str, tuple[_Context, ...]]


def read_spelling(text: str, source: str) -> Spelling:
    """`spelling.toml`; raises `ConfigurationError` naming file and value."""
    if not unicodedata.is_normalized("NFC", text):
        raise ConfigurationError(f"{source}: the text is not in Unicode NFC, save it normalised")
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise ConfigurationError(f"{source}: {wrong}") from wrong
    context: dict[str, list[_Context]] = {}
    for one in file.context:
        if not (one.before or one.after):
            raise ConfigurationError(f'{source}: context "{one.short}": name words `before` or `after` which it stands')
        before = tuple(shadow(word) for word in one.before)
        after = tuple(shadow(word) for word in one.after)
        context.setdefault(spelled(one.short), []).append(_Context(one.short, one.means, before, after, one.says))
    return Spelling(
        courtesies=frozenset(spelled(word) for word in file.courtesies),
        short={spelled(form): tuple(spelled(word) for word in means.split()) for form, means in file.short.items()},
        context={short: tuple(found) for short, found in context.items()},
    )


class Step(msgspec.Struct, frozen=True, gc=False):
    """One step of a reading: what was done and what came out."""

    name: str
    came_out: str


def words_of(
    text: str, spelling: Spelling, vocabulary: frozenset[str], known: frozenset[str], trace: list[Step] | None = None
) -> tuple[Word, ...]:
    """The words of a protected text.

    `vocabulary` holds the shadows of the words that rules and names use, `known` the same words with their marks.
    """
    typed = _first_and_last(list(_typed(text, spelling)))
    decoded = _keystrokes([word for word, _ in typed], known)
    if trace is not None and decoded:
        trace.append(Step("keys", " ".join(decoded.get(at, word) for at, (word, _) in enumerate(typed))))
    words: list[Word] = []
    plain = [shadow(word) for word, _ in typed]
    for at, (word, after_break) in enumerate(typed):
        if at in decoded:
            meant = decoded[at]
            words.append(Word(meant, shadow(meant), meant in spelling.courtesies, after_break, "keys"))
            continue
        if not (word in spelling.context or word in spelling.short or word[0].isdigit()):
            courtesy = word in spelling.courtesies
            if (
                courtesy or plain[at] in vocabulary or is_syllable(plain[at])
            ):  # as nearly every word: there is nothing to write out
                words.append(Word(word, plain[at], courtesy, after_break))
                continue
        before, after = plain[at - 1] if at else "", plain[at + 1] if at + 1 < len(plain) else ""
        words.extend(_written_out(word, before, after, after_break, spelling, vocabulary))
    result = tuple(words[:MOST_WORDS])
    if trace is not None:
        trace.append(Step("words", " ".join(word.toned for word in result)))
        trace.append(Step("shadow", " ".join(word.shadow for word in result if not word.courtesy)))
    return result


_AGE = re.compile(r"\d{1,3}t")  # "con 2t", "bà 78t"
_STOREYS = frozenset({"nha", "cao", "xay", "tang", "lau"})  # "nhà 2t" has storeys


def _typed(text: str, spelling: Spelling) -> Iterator[tuple[str, bool]]:
    after_break = False
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token in _BREAKS:
            after_break = True
            continue
        yield token if token[0] == "<" else _let_go(token[:_LONGEST_WORD].lower(), spelling), after_break
        after_break = False


def _let_go(token: str, spelling: Spelling) -> str:
    """A word without letters that were held down ("ơiiii"); cccd is a short form and stays."""
    word = spelled(token)
    return word if word in spelling.short or word in spelling.context else _released(token)


@lru_cache(maxsize=20_000)
def _released(token: str) -> str:
    return spelled(_HELD_DOWN.sub(r"\1", token))


def _first_and_last(typed: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    if len(typed) <= MOST_WORDS:
        return typed
    return typed[: MOST_WORDS - _LAST_WORDS] + typed[-_LAST_WORDS:]


def _keystrokes(typed: list[str], known: frozenset[str]) -> dict[int, str]:
    """Words that are raw Telex or VNI: only when two or more are no syllables and decode, one of them to a known word."""
    found: dict[int, str] = {}
    for at, word in enumerate(typed):
        if word.isascii() and not is_syllable(word):
            decoded = decode(word)
            if decoded:
                found[at] = decoded
    if len(found) < 2 or not any(word in known for word in found.values()):
        return {}
    return {
        at: word if word in known else (shadow(word) if shadow(word) in _shadows(known) else word)
        for at, word in found.items()
    }


_SHADOWS: dict[int, frozenset[str]] = {}


def _shadows(known: frozenset[str]) -> frozenset[str]:
    if id(known) not in _SHADOWS:
        _SHADOWS.clear()
        _SHADOWS[id(known)] = frozenset(shadow(word) for word in known)
    return _SHADOWS[id(known)]


def _written_out(
    word: str, before: str, after: str, after_break: bool, spelling: Spelling, vocabulary: frozenset[str]
) -> Iterator[Word]:
    if word in spelling.context:
        for one in spelling.context[word]:
            if before in one.after or after in one.before:
                yield from _made(one.means.split(), "short", after_break, spelling)
                return
    if word in spelling.short:
        yield from _made(spelling.short[word], "short", after_break, spelling)
        return
    if _AGE.fullmatch(word) and before not in _STOREYS:
        yield from _made([word[:-1], "tuổi"], "short", after_break, spelling)
        return
    plain = shadow(word)
    if word in spelling.courtesies:
        yield Word(word, plain, True, after_break)
        return
    if plain not in vocabulary and not is_syllable(plain):
        doubled = _DOUBLED.sub(r"\1", word)
        if doubled != word and (
            doubled in spelling.short or doubled in spelling.courtesies or shadow(doubled) in vocabulary
        ):
            yield from _written_out(doubled, before, after, after_break, spelling, vocabulary)
            return
        parts = _split(plain, vocabulary) if word == plain else None
        if parts:
            yield from _made(parts, "split", after_break, spelling)
            return
    yield Word(word, plain, False, after_break)


def _made(parts: tuple[str, ...] | list[str], made: str, after_break: bool, spelling: Spelling) -> Iterator[Word]:
    for number, part in enumerate(parts):
        word = spelled(part)
        yield Word(word, shadow(word), word in spelling.courtesies, after_break and not number, made)


def _split(word: str, vocabulary: frozenset[str]) -> list[str] | None:
    """Words written together (`tracuuhoso`), as few as possible; None when it can't be taken apart into known syllables."""
    if not 5 <= len(word) <= 30 or not word.isalpha():
        return None
    best: list[list[str] | None] = [None] * (len(word) + 1)
    best[0] = []
    for end in range(2, len(word) + 1):
        for start in range(max(0, end - 7), end - 1):
            head, piece = best[start], word[start:end]
            if head is not None and piece in vocabulary and is_syllable(piece):
                candidate = [*head, piece]
                kept = best[end]
                if kept is None or len(candidate) < len(kept):
                    best[end] = candidate
    found = best[len(word)]
    return found if found and 2 <= len(found) <= 6 else None
