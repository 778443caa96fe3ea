"""The sentences of `wording/vi.toml` by key, checked when they are loaded.

`wording_keys.KEYS` declares every key with its placeholders; a file that has more, fewer or others is refused before a citizen can meet it.
Called by the flows as `words("front.welcome", province=…, example=…)`, which speaks in the words of the province at hand.
"""

import string
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from govchat.conversation.wording_keys import KEYS, OWN, SPEAKING, room_texts
from govchat.errors import ConfigurationError
from govchat.kit.phrases import limits, overlaid

__all__ = ("KEYS", "Wording", "longest_of", "read_wording", "spoken_in", "vietnamese", "words")

# Sentences of rooms that stand on buttons.
_BUTTONS = ("button_", "level_", "costs_", "category_", "reason_")
LONGEST_BUTTON = 100  # characters of a Zalo button title
LONGEST_OF_A_ROOM = 1000  # the law's way for a complaint takes more words
LONGEST_TEXT = 700  # a sentence nobody reads to the end helps nobody


class Wording:
    """Texts by key, every declared one; `rooms` are those that a province says otherwise than the rooms whose they are."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = MappingProxyType(dict(texts))
        product = room_texts()
        self.rooms = MappingProxyType(
            {key: texts[key] for key in product if texts.get(key, product[key]) != product[key]}
        )

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key` with its placeholders filled."""
        return self.texts[key].format(**values)


@cache
def vietnamese() -> Wording:
    """The wording that comes with the product; read once."""
    text = files("govchat.conversation").joinpath("wording/vi.toml").read_text("utf-8")
    return read_wording(text, "conversation/wording/vi.toml")


_spoken: ContextVar[Wording | None] = ContextVar("wording", default=None)


@contextmanager
def spoken_in(wording: Wording) -> Iterator[None]:
    """Within, `words` speaks in this wording: a province's own, laid over the product's. Each task has its own."""
    token = _spoken.set(wording)
    try:
        with overlaid(wording.rooms):
            yield
    finally:
        _spoken.reset(token)


def words(key: str, **values: object) -> str:
    """A sentence for the citizen, in Vietnamese: the product's, or that of the province that `spoken_in` names."""
    return (_spoken.get() or vietnamese())(key, **values)


def read_wording(text: str, source: str) -> Wording:
    """Wording from TOML; raises `ConfigurationError` naming the file, the key and what was expected."""
    try:
        sections = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigurationError(f"{source}: {wrong}") from wrong
    texts: dict[str, str] = {}
    for section, entries in sections.items():
        for name, value in entries.items() if isinstance(entries, dict) else ((None, entries),):
            key = section if name is None else f"{section}.{name}"
            if key not in OWN:
                raise ConfigurationError(f'{source}: key "{key}" is not known: remove it or declare it in wording.py')
            texts[key] = _checked(key, value, source)
    if missing := sorted(OWN.keys() - texts.keys()):
        raise ConfigurationError(f"{source}: missing {', '.join(missing)}")
    return Wording({**texts, **room_texts()})


def longest_of(key: str) -> int:
    """How many characters the sentence of `key` may have."""
    room, _, name = key.partition(".")
    if room in SPEAKING:
        little = limits(f"govchat.{room}").get(name)
        return little or (LONGEST_BUTTON if name.startswith(_BUTTONS) else LONGEST_OF_A_ROOM)
    return LONGEST_BUTTON if key.startswith(("button.", "group.", "phone.form_")) else LONGEST_TEXT


def _checked(key: str, value: object, source: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f'{source}: "{key}": expected a text')
    if not unicodedata.is_normalized("NFC", value):
        raise ConfigurationError(f'{source}: "{key}" is not in Unicode NFC: save it normalised')
    longest = longest_of(key)
    if len(value) > longest:
        raise ConfigurationError(f'{source}: "{key}" has {len(value)} characters: expected at most {longest}')
    try:
        fields = [
            (name, form, conversion)
            for _, name, form, conversion in string.Formatter().parse(value)
            if name is not None
        ]
    except ValueError as wrong:
        raise ConfigurationError(f'{source}: "{key}": {wrong}; write a brace as {{{{ or }}}}') from wrong
    found = {name for name, _, _ in fields}
    if found != KEYS[key] or any(form or conversion for _, form, conversion in fields):
        expected = ", ".join(f"{{{name}}}" for name in sorted(KEYS[key])) or "none"
        raise ConfigurationError(f'{source}: "{key}" has placeholders {sorted(found)}: expected exactly {expected}')
    return value.strip()
