"""The books that messages are read with: the shipped rules over the catalogue, shared by all provinces, and each one's own words on top.

Also `rules/vi.toml`: commands, follow-ups and signs without words, ways into the catalogue, and what may stand before a look-up secret
or never is one. Feeds `understand`, the flows and the CLI.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

import msgspec

from govchat.conversation.intents import Intent
from govchat.dossiers.codes import find_codes
from govchat.errors import ConfigurationError
from govchat.kit.text import fold
from govchat.language.book import Book, book, for_tenant, read_tenant_words, shipped_rules
from govchat.language.protect import CodeFinder, FoundCodes
from govchat.language.syllables import shadow
from govchat.procedures.catalogue import starter

_LONGEST_COMMAND = 12  # words
_SHORT, _NAMED_BY = 5, 2  # words of a follow-up, and of something else named in one
# Short forms that mean one thing in a message that is a command as a whole.
_WRITTEN_OUT: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("k", "ko", "kg", "khg", "hok", "hong", "hem"), "khong"),
        **{"hs": "ho so", "dk": "dang ky", "dki": "dang ky", "tb": "thong bao", "dc": "duoc", "bn": "bao nhieu"},
    }
)
_WORD = r"[^\W_]+"
_FEE = re.compile(r" (?:phi|tien|dong|gia|bn|nhieu|nhiu) ")
_WHOSE = frozenset({"cua", "toi", "minh", "em"})
SIGNS = frozenset({"help", "thanks"})


class _Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    labels: tuple[str, ...]
    never: tuple[str, ...]


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way into the catalogue: a field (`fields` are pieces of official names) or an event of life (`codes`, most likely first)."""

    words: tuple[str, ...]
    fields: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    commands: dict[str, tuple[str, ...]]
    follow_ups: dict[str, tuple[str, ...]]
    groups: dict[str, Group]
    skips: tuple[str, ...]
    last_words: dict[str, tuple[str, ...]]
    signs: dict[str, tuple[str, ...]]
    secrets: _Secrets
    joints: tuple[str, ...] = ()
    takes_back: tuple[str, ...] = ()
    follow_up_words: tuple[str, ...] = ()
    wonders: dict[str, tuple[str, ...]] = {}
    by_name: tuple[str, ...] = ()
    no_fees: tuple[str, ...] = ()


class Rulebook(msgspec.Struct, frozen=True):
    """What `understand` knows beside the language: sets hold shadows."""

    signs: Mapping[str, tuple[str, ...]]
    secret_labels: frozenset[str]
    longest_label: int
    never_secret: frozenset[str]
    commands: Mapping[str, Intent]
    follow_ups: Mapping[str, str]
    groups: Mapping[str, Group]
    skips: frozenset[str]
    joints: frozenset[str]
    takes_back: frozenset[str]
    follow_up_words: frozenset[str]
    last_words: Mapping[str, str]
    wonders: Mapping[str, tuple[str, ...]]
    by_name: tuple[str, ...]
    no_fees: tuple[str, ...]


@cache
def rulebook() -> Rulebook:
    """The rules that come with the product; read once."""
    text = files("govchat.conversation").joinpath("rules/vi.toml").read_text("utf-8")
    return read_rulebook(text, "conversation/rules/vi.toml")


def read_rulebook(text: str, source: str) -> Rulebook:
    """Rules from TOML; raises `ConfigurationError` naming the file, the value and what was expected."""
    if not unicodedata.is_normalized("NFC", text):
        raise ConfigurationError(f"{source}: the text is not in Unicode NFC, save it normalised")
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise ConfigurationError(f"{source}: {wrong}") from wrong
    for name in file.signs:
        if name not in SIGNS:
            raise ConfigurationError(f'{source}: signs of "{name}": expected one of {", ".join(sorted(SIGNS))}')
    labels = frozenset(fold(label) for label in file.secrets.labels)
    return Rulebook(
        signs=file.signs,
        secret_labels=labels,
        longest_label=max((label.count(" ") + 1 for label in labels), default=0),
        never_secret=frozenset(fold(word) for word in file.secrets.never),
        commands=_phrases({_intent(name, source): said for name, said in file.commands.items()}, source),
        follow_ups=_phrases(file.follow_ups, source),
        groups=file.groups,
        last_words=_phrases(file.last_words, source),
        takes_back=frozenset(fold(phrase) for phrase in file.takes_back),
        follow_up_words=frozenset(fold(phrase) for phrase in file.follow_up_words),
        joints=frozenset(fold(phrase) for phrase in file.joints),
        skips=frozenset(fold(phrase) for phrase in file.skips),
        wonders={about: tuple(fold(phrase) for phrase in said) for about, said in file.wonders.items()},
        by_name=tuple(fold(phrase) for phrase in file.by_name),
        no_fees=tuple(sorted((fold(phrase) for phrase in file.no_fees), key=len, reverse=True)),
    )


T = TypeVar("T")


def _phrases(meant: Mapping[T, Iterable[str]], source: str) -> dict[str, T]:
    """Folded phrase → what it means; a phrase that means two things is refused."""
    found: dict[str, T] = {}
    for meaning, phrases in meant.items():
        for phrase in phrases:
            if found.setdefault(bare(phrase), meaning) != meaning:
                raise ConfigurationError(f'{source}: "{phrase}" is listed under {found[bare(phrase)]} and {meaning}')
    return found


def bare(text: str) -> str:
    """The words of a short message without marks, signs and courtesies, as commands are compared; empty for a long one."""
    words = re.findall(r"[^\W_]+", fold(text[:200]))
    courtesies = shipped_courtesies()
    if len(words) > _LONGEST_COMMAND:
        return ""
    return " ".join(_WRITTEN_OUT.get(word, word) for word in words if word not in courtesies)


@cache
def shipped_courtesies() -> frozenset[str]:
    """Words that ask for nothing, without marks; not those that say whose: "hồ sơ của tôi" is more than "hồ sơ"."""
    return frozenset(shadow(word) for word in shipped_rules().spelling.courtesies) - _WHOSE


def _intent(name: str, source: str) -> Intent:
    try:
        return Intent(name)
    except ValueError:
        raise ConfigurationError(f'{source}: commands of "{name}": expected one of {", ".join(Intent)}') from None


@cache
def shared_book() -> Book:
    """The rules over the starter catalogue: one for all provinces, made on first use."""
    return book((one.code, one.name, one.field, everyday(one.aliases)) for one in starter())


def tenant_book(text: str, source: str, shared: Book | None = None) -> Book:
    """The shared book with a province's `words.toml` over it; raises `ConfigurationError` with file:line."""
    shared = shared or shared_book()
    return for_tenant(shared, read_tenant_words(text, source, shared.names.by_code))


def code_finder(today: date) -> CodeFinder:
    """What finds dossier codes in a message read on `today` (in Vietnam)."""

    def find(text: str) -> FoundCodes:
        found = find_codes(text, today)
        return FoundCodes(tuple(code.key for code in found.codes), found.spans, found.anything)

    return find


def everyday(aliases: Iterable[str]) -> tuple[str, ...]:
    """The aliases to read with: one word of the catalogue ("trc") is too short to be believed in any sentence."""
    return tuple(alias for alias in aliases if " " in alias)


def _spaced(text: str) -> str:
    """The words without marks and signs, a blank around each."""
    return f" {' '.join(re.findall(_WORD, fold(text[:400])))} "


def asks_for_a_fee(text: str) -> bool:
    """Whether money is asked about that one would have to pay: not "có được mai táng phí không"."""
    said = _spaced(text)
    rest = said
    for phrase in rulebook().no_fees:
        rest = rest.replace(f" {phrase} ", " ")
    return rest == said or bool(_FEE.search(rest))


def wonders_about(text: str) -> str:
    """What alone is asked about the dossier at hand: `why` it takes so long, `who` has it, `when` it is done; empty for how it stands."""
    said = _spaced(text)
    for about, phrases in rulebook().wonders.items():
        if any(f" {phrase} " in said for phrase in phrases):
            return about
    return ""


def looks_for_a_name(text: str) -> bool:
    """Whether a dossier is to be found by somebody's name or number."""
    said = _spaced(text)
    return any(f" {phrase} " in said for phrase in rulebook().by_name)


def names_something_else(text: str) -> bool:
    """Whether a short question names what it is about, so that it is not about the procedure shown last: "lệ phí hộ chiếu"."""
    words = re.findall(r"[^\W_]+", fold(text[:200]))
    while words and words[-1] in shipped_courtesies():  # not those within: "hộ" is one, and begins "hộ chiếu"
        words.pop()
    while words and words[0] in shipped_courtesies() and words[0] != "ho":
        words.pop(0)
    if not 2 < len(words) <= _SHORT:
        return False
    return _others(words) >= _NAMED_BY


def other_words(text: str) -> int:
    """How many words a question about what was shown last has that such questions are not made of."""
    return _others(
        [word for word in re.findall(_WORD, fold(text[:400])) if word not in shipped_courtesies() or word == "ho"]
    )


def _others(words: Sequence[str]) -> int:
    known, other, at = rulebook().follow_up_words, 0, 0
    while at < len(words):
        size = next((size for size in (3, 2, 1) if " ".join(words[at : at + size]) in known), 0)
        other, at = (other, at + size) if size else (other + 1, at + 1)
    return other
