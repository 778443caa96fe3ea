"""What petitions are about: the list for buttons, and which of it a sentence speaks of."""

import re
import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from govchat.kit.phrases import phrases
from govchat.kit.text import clean, fold

ROOM = "govchat.petitions"
OTHER = "other"


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One category; `key` is kept, `words` are folded."""

    key: str
    words: tuple[str, ...]

    @property
    def title(self) -> str:
        """What people read, in the words of the province that is spoken in."""
        return phrases(ROOM)[f"category_{self.key}"]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    category: tuple[Category, ...]


@cache
def categories() -> tuple[Category, ...]:
    """All, in the order in which they are offered."""
    raw = (files("govchat.petitions") / "data" / "categories.toml").read_bytes()
    return msgspec.convert(tomllib.loads(raw.decode()), _Table).category


def title_of(key: str) -> str:
    """What people read; the key itself for one that is no longer offered."""
    return next((one.title for one in categories() if one.key == key), key)


def suggest(text: str) -> list[Category]:
    """The categories that a sentence speaks of, best first; empty when it names none."""
    said = fold(clean(text))
    counted = [(sum(_speaks(said, word) for word in one.words), one) for one in categories()]
    return [one for count, one in sorted(counted, key=lambda pair: -pair[0]) if count]


def _speaks(said: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", said) is not None
