"""Every sentence a citizen reads is Vietnamese, short enough, in NFC, and used with exactly its placeholders."""

import ast
import re
import unicodedata
from importlib.resources import files
from pathlib import Path

import pytest

import govchat.conversation
from govchat.conversation.wording import KEYS, longest_of, read_wording, vietnamese
from govchat.conversation.wording_keys import OWN, ROOMS
from govchat.dossiers.status import STATUSES
from govchat.errors import ConfigurationError

SOURCE = files("govchat.conversation").joinpath("wording/vi.toml").read_text("utf-8")
TEXTS = {
    **vietnamese().texts,
    **{f"status.{number}": f"{status.label}. {status.sentence}" for number, status in STATUSES.items()},
}
# Words of Vietnamese that are written in ASCII alone would hide an English sentence: what counts is that marks are there at all.
ENGLISH = re.compile(
    r"\b(the|please|your|you|code|error|not|found|click|here|secret|phone|dossier|status|help|sorry)\b", re.IGNORECASE
)


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_a_sentence_can_be_sent_and_read(key: str) -> None:
    text = TEXTS[key]
    assert unicodedata.is_normalized("NFC", text)
    assert text == text.strip()
    assert "  " not in text
    assert not any(unicodedata.category(character) in ("Cf", "Mn", "Co") for character in text), "no loose tone marks"
    assert len(text) <= (longest_of(key) if key in KEYS else 700)
    said = re.sub(r"\{\w+\}", "", text)
    assert not ENGLISH.search(said)
    if re.search(r"\w{2}", said):
        assert not said.isascii(), "Vietnamese is written with its marks"


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_a_sentence_speaks_to_the_citizen_with_respect(key: str) -> None:
    assert not re.search(r"\b(bạn|mày|ông bà ơi|nhập sai|lỗi hệ thống|bắt buộc phải)\b", TEXTS[key].lower())


def test_the_sentences_of_other_rooms_are_among_them_and_none_stands_twice() -> None:
    assert not OWN.keys() & ROOMS.keys()
    assert {key.partition(".")[0] for key in ROOMS} == {"petitions", "ratings", "handoff", "privacy"}
    assert ROOMS["petitions.answered"] == {"title", "code", "unit", "note", "until"}


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
