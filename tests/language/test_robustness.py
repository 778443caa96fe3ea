"""Whatever is typed: a reading comes out, the same each time, and the work stays bounded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.language.given import read, the_book

from govchat.language.normalise import MOST_WORDS, words_of
from govchat.language.protect import protect
from govchat.language.rules import INTENTS

PIECES = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            [
                "sổ đỏ",
                "mất",
                "so do",
                "H19.12-251103-0007",
                "<code>",
                "0912345678",
                "ddawng kys",
                "’; DROP TABLE",
                "\u202e",
                "e\u0301" * 9,
                "😀",
                "ơiiiii",
                "-",
                "còn",
            ]
        ),
    ),
    max_size=25,
)


@settings(max_examples=80, deadline=None)
@given(PIECES)
def test_no_text_is_too_odd_to_read(pieces: list[str]) -> None:
    text = " ".join(pieces)
    reading = read(text)
    assert reading.intent in INTENTS
    assert 0 <= reading.confidence <= 1
    assert reading == read(text)
    known = the_book().names.by_code
    assert all(candidate.code in known for candidate in reading.procedures)


HOSTILE = {
    "combining marks": "a" + "\u0301" * 10_000,
    "right to left": "\u202e" + "sổ đỏ " * 300,
    "sql": "'; DROP TABLE dossiers; --" * 70,
    "html": "<script>alert('x')</script>" * 70,
    "one long word": "a" * 2000,
    "one word again and again": "mất " * 500,
    "keystrokes": "ddawng kys " * 180,
    "emoji": "👨‍👩‍👧‍👦" * 250,
    "digits": "0912345678" * 190,
    "dots": "1.1-" * 500,
    "brackets": "<<<<>>>>" * 250,
    "alternating": "sổ đỏ mất căn cước đổi xe nhà đất khai sinh " * 45,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_read_within_bounds(name: str) -> None:
    text = HOSTILE[name]
    book = the_book()
    words = words_of(protect(text).text, book.rules.spelling, book.vocabulary, book.known)
    assert len(words) <= MOST_WORDS
    assert read(text).intent in INTENTS
