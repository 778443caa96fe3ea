"""What a petition lacks before it can be filed, and what an officer should know of it. Pure; nothing is refused for its tone.

Decree 20/2008 wants a name and a way to answer with reflections and proposals on rules and conduct; scene reports may be anonymous.
"""

import re
import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files

from govchat.kit.text import clean, fold

LEAST_LETTERS = 10
LONGEST = 4000
MOST_PHOTOS = 5


class Lack(StrEnum):
    """Something to ask for before filing."""

    TEXT = "text"  # nothing that an office could act on
    NAME = "name"
    PLACE = "place"


def lacks(kind: str, text: str, *, name: str | None, has_place: bool) -> tuple[Lack, ...]:
    """What to ask for, in the order to ask. The way to answer is the chat itself."""
    wanting = []
    if sum(letter.isalpha() for letter in clean(text, LONGEST)) < LEAST_LETTERS:
        wanting.append(Lack.TEXT)
    if kind == "scene" and not has_place:
        wanting.append(Lack.PLACE)
    if kind != "scene" and not (name or "").strip():
        wanting.append(Lack.NAME)
    return tuple(wanting)


def flags_of(kind: str, text: str, *, name: str | None, anonymous: bool) -> list[str]:
    """What the office sees beside the text: `abusive`, `anonymous` (no name is shown to it), `nameless` (none was given)."""
    marked = []
    if _abusive().search(fold(clean(text, LONGEST))):
        marked.append("abusive")
    if anonymous:
        marked.append("anonymous")
    if kind != "scene" and not (name or "").strip():
        marked.append("nameless")
    return marked


@cache
def _abusive() -> re.Pattern[str]:
    raw = (files("govchat.petitions") / "data" / "abuse.toml").read_bytes()
    words = tomllib.loads(raw.decode())["words"]
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b")
