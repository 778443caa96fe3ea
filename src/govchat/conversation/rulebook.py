"""The books that messages are read with: the shipped rules over the catalogue, shared by all provinces, and each one's own words on top.

Also `rules/vi.toml`: signs without words, and what may stand before a look-up secret or never is one. Feeds `understand` and the CLI.
"""

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from importlib.resources import files

import msgspec

from govchat.dossiers.codes import find_codes
from govchat.errors import ConfigurationError
from govchat.kit.text import fold
from govchat.language.book import Book, book, for_tenant, read_tenant_words
from govchat.language.protect import CodeFinder, FoundCodes
from govchat.procedures.catalogue import starter

SIGNS = frozenset({"help", "thanks"})


class _Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    labels: tuple[str, ...]
    never: tuple[str, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    signs: dict[str, tuple[str, ...]]
    secrets: _Secrets


class Rulebook(msgspec.Struct, frozen=True):
    """What `understand` knows beside the language: sets hold shadows."""

    signs: Mapping[str, tuple[str, ...]]
    secret_labels: frozenset[str]
    longest_label: int
    never_secret: frozenset[str]


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
    )


@cache
def shared_book() -> Book:
    """The rules over the starter catalogue: one for all provinces, made on first use."""
    return book((one.code, one.name, one.field, _everyday(one.aliases)) for one in starter())


def tenant_book(text: str, source: str) -> Book:
    """The shared book with a province's `words.toml` over it; raises `ConfigurationError` with file:line."""
    shared = shared_book()
    return for_tenant(shared, read_tenant_words(text, source, shared.names.by_code))


def code_finder(today: date) -> CodeFinder:
    """What finds dossier codes in a message read on `today` (in Vietnam)."""

    def find(text: str) -> FoundCodes:
        found = find_codes(text, today)
        return FoundCodes(tuple(code.key for code in found.codes), found.spans, found.anything)

    return find


def _everyday(aliases: Iterable[str]) -> tuple[str, ...]:
    # A one-word alias of the catalogue ("trc") is too short to be believed in any sentence; the rules have better ones.
    return tuple(alias for alias in aliases if " " in alias)
