"""The rules of `rules/vi.toml`, checked and made ready for `understand`: phrases by the shadow of their first word."""

import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import msgspec

from govchat.errors import ConfigurationError
from govchat.kit.text import fold, toned

INTENTS = frozenset({"lookup", "lost_code", "lost_secret", "contact_office", "help", "menu", "thanks", "greeting"})
_GAP = "…"


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    intent: str
    rank: int
    cover: float
    phrases: tuple[str, ...]


class _Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    labels: tuple[str, ...]
    never: tuple[str, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    particles: tuple[str, ...]
    abbreviations: dict[str, str]
    rule: tuple[_Rule, ...]
    signs: dict[str, tuple[str, ...]]
    secrets: _Secrets


class Phrase(msgspec.Struct, frozen=True):
    """One line of a rule: its words as (with tones, shadow), in parts between gaps.

    `needs` are the shadows of all its words; `length` counts the words, `spoken` those that are no particles.
    """

    text: str
    intent: str
    rank: int
    cover: float
    parts: tuple[tuple[tuple[str, str], ...], ...]
    needs: frozenset[str]
    length: int
    spoken: int


class Rulebook(msgspec.Struct, frozen=True):
    """Everything `understand` compares with; sets hold shadows."""

    phrases: tuple[Phrase, ...]
    by_first: Mapping[str, tuple[Phrase, ...]]
    particles: frozenset[str]
    abbreviations: Mapping[str, str]
    signs: Mapping[str, tuple[str, ...]]
    secret_labels: frozenset[str]
    longest_label: int
    never_secret: frozenset[str]
    vocabulary: frozenset[str]


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
        book = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise ConfigurationError(f"{source}: {wrong}") from wrong
    for intent in [*(rule.intent for rule in book.rule), *book.signs]:
        if intent not in INTENTS:
            raise ConfigurationError(f'{source}: intent "{intent}": expected one of {", ".join(sorted(INTENTS))}')
    particles = frozenset(fold(toned(particle)) for particle in book.particles)
    phrases = tuple(_phrase(line, rule, particles, source) for rule in book.rule for line in rule.phrases)
    by_first: dict[str, tuple[Phrase, ...]] = {}
    for phrase in phrases:
        first = phrase.parts[0][0][1]
        by_first[first] = (*by_first.get(first, ()), phrase)
    labels = frozenset(fold(label) for label in book.secrets.labels)
    values: dict[str, Any] = {
        "phrases": phrases,
        "by_first": MappingProxyType(by_first),
        "particles": particles,
        "abbreviations": MappingProxyType({toned(short): long for short, long in book.abbreviations.items()}),
        "signs": MappingProxyType(book.signs),
        "secret_labels": labels,
        "longest_label": max((label.count(" ") + 1 for label in labels), default=0),
        "never_secret": frozenset(fold(word) for word in book.secrets.never),
        "vocabulary": frozenset(shadow for phrase in phrases for part in phrase.parts for _, shadow in part),
    }
    return Rulebook(**values)


def _phrase(line: str, rule: _Rule, particles: frozenset[str], source: str) -> Phrase:
    parts = tuple(tuple((word, fold(word)) for word in part.split()) for part in toned(line).split(_GAP))
    if not all(parts):
        raise ConfigurationError(
            f'{source}: phrase "{line}" of {rule.intent}: expected words on both sides of every "{_GAP}"'
        )
    shadows = [shadow for part in parts for _, shadow in part]
    # Inside a phrase of nothing but courtesies ("ad ơi") these are what is said.
    spoken = sum(shadow not in particles for shadow in shadows) or len(shadows)
    return Phrase(line, rule.intent, rule.rank, rule.cover, parts, frozenset(shadows), len(shadows), spoken)
