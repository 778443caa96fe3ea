"""Rooms' own sentences: whole, short, in NFC, with the facts that are given to them."""

import string
import unicodedata

import pytest

from govchat.kit.phrases import fill, phrases

ROOMS = ("petitions", "ratings", "handoff", "privacy", "citizens", "dossiers", "offices", "procedures", "tenants")
FACTS = {
    "petitions": {"title", "code", "unit", "note", "until"}
    | {
        "file",
        "accept",
        "first",
        "first_complex",
        "first_remote",
        "first_remote_complex",
        "first_very_complex",
        "go_on",
        "go_on_remote",
        "second",
        "second_remote",
        "second_complex",
        "conciliation",
        "conciliation_remote",
    },
    "ratings": {"code", "unit"},
    "handoff": {"why", "next", "time", "day"},
    "privacy": {"code", "title", "due", "count", "time", "day"},
    "citizens": set(),
    "dossiers": {"time", "day"},
    "offices": {"weekday", "date"},
    "procedures": {"least", "most", "unit", "amount"},
    "tenants": {"name", "hotline"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_every_sentence_can_be_said(room: str) -> None:
    for key, words in phrases(f"govchat.{room}").items():
        assert unicodedata.is_normalized("NFC", words), key
        assert 0 < len(words) <= 800, key
        assert words == words.strip(), key
        named = {part[1] for part in string.Formatter().parse(words) if part[1] is not None}
        assert named <= FACTS[room], key


def test_a_line_whose_facts_are_unknown_is_left_out() -> None:
    given = {"title": "Phản ánh", "code": "PA-1", "unit": "", "note": "Đã vá", "until": ""}
    said = fill("govchat.petitions", "forwarded", **given)
    assert "Nơi tiếp nhận" not in said
    assert said.splitlines() == ["Phản ánh PA-1 đã được chuyển đến cơ quan có thẩm quyền.", "Ghi chú: Đã vá"]
    with pytest.raises(KeyError):
        fill("govchat.petitions", "no such sentence")
