"""Every sentence of the conversation is declared, and used with exactly its placeholders."""

import ast
import hashlib
import re
import unicodedata
from importlib.resources import files
from pathlib import Path

import pytest

import govchat
import govchat.conversation
from govchat.citizens.consent import VERSIONS, text_of
from govchat.conversation.rulebook import rulebook
from govchat.conversation.wording import KEYS, read_wording
from govchat.conversation.wording_keys import OWN, ROOMS, SPEAKING
from govchat.dossiers.status import STATUSES
from govchat.errors import ConfigurationError
from govchat.petitions.categories import categories
from govchat.ratings.scale import reasons

SOURCE = files("govchat.conversation").joinpath("wording/vi.toml").read_text("utf-8")


def test_the_sentences_of_other_rooms_are_among_them_and_none_stands_twice() -> None:
    assert not OWN.keys() & ROOMS.keys()
    assert {key.partition(".")[0] for key in ROOMS} == set(SPEAKING)
    assert ROOMS["petitions.answered"] == {"title", "code", "unit", "note", "until"}


def test_every_list_that_is_shown_has_its_titles_among_the_sentences() -> None:
    keys = {
        *(f"group.{name}" for name in rulebook().groups),
        *(f"petitions.category_{one.key}" for one in categories()),
        *(f"ratings.reason_{one.key}" for one in reasons()),
        *(f"dossiers.status_{number}_label" for number in STATUSES),
        *(f"dossiers.status_{number}_sentence" for number in STATUSES),
        *(f"citizens.{purpose}" for purpose in VERSIONS),
    }
    assert keys <= KEYS.keys()


# A changed text is another consent: give it a new version in `citizens.consent`, and its letters here.
AGREED = {
    "status-1": "8751fcaaeb7a",
    "phone-1": "15e1c9ed0cd7",
    "survey-2": "2476cd7dfa00",
    "broadcast-1": "449f24e14f36",
}


def test_a_consent_text_never_changes_under_its_version() -> None:
    found = {
        text_of(purpose).version: hashlib.sha256(text_of(purpose).text.encode()).hexdigest()[:12]
        for purpose in VERSIONS
    }
    assert found == AGREED


def calls() -> list[tuple[str, str, frozenset[str]]]:
    """Every `words("key", name=…)` in the room; a key made with an f-string is checked by its fixed beginning."""
    found = []
    for path in Path(str(govchat.conversation.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "words" and node.args:
                names = frozenset(keyword.arg or "**" for keyword in node.keywords)
                first = node.args[0]
                options = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                found += [(path.name, option.value, names) for option in options if isinstance(option, ast.Constant)]
    return found


def test_every_key_the_flows_use_is_declared_with_its_placeholders() -> None:
    assert len(calls()) > 40
    for where, key, names in calls():
        assert KEYS.get(key) == names, f"{where}: {key}"


def test_every_declared_sentence_is_used() -> None:
    code = "".join(
        path.read_text("utf-8")
        for path in Path(str(govchat.conversation.__file__)).parent.rglob("*.py")
        if path.name not in ("wording.py", "wording_keys.py")
    )
    for key in OWN:
        section, name = key.split(".")
        written = f'"{key}"' in code or f"'{key}'" in code
        made = re.findall(rf"{section}\.(\w*)\{{", code)  # f"next.status_{number}"
        composed = any(name.startswith(first) for first in made) or (
            section == "button" and name.removeprefix("field_") in code
        )
        assert written or composed, key


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{province}", "{tinh}", "front.welcome"),
        ("{province}", "{province!r}", "front.welcome"),
        ("{province}", "{province", "front.welcome"),
        ('menu = "Xem các mục"', "", "button.menu"),
        ('menu = "Xem các mục"', 'menu = ""', "button.menu"),
        ('menu = "Xem các mục"', "menu = 3", "button.menu"),
        ('menu = "Xem các mục"', f'menu = "{"á" * 101}"', "101 characters"),
        ('menu = "Xem các mục"', 'menu = "Xem các mục"\nsale = "Giảm giá"', "button.sale"),
        ('menu = "Xem các mục"', f'menu = "{unicodedata.normalize("NFD", "Xem các mục")}"', "NFC"),
        ("[button]", "[button", "vi.toml"),
        ("[button]", 'x = "y"\n[button]', '"x"'),
    ],
)
def test_a_wrong_wording_file_is_refused_by_key(old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=r"vi\.toml") as refusal:
        read_wording(SOURCE.replace(old, new, 1), "vi.toml")
    assert says in str(refusal.value)
