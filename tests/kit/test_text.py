"""Texts that look alike to a citizen are alike to us, and no text takes us long."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.kit.text import MESSAGE_LIMIT, clean, fold, toned

NASTY = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            "aăâeêoôơuưyđĐÐhH01-–—.\u00a0\u200b\u202e\u0301\u0302\u0323\u031b\u0344\ufe0f０９ \t\n\r\x00\ud800"
        ),
    ),
    max_size=300,
)


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        (unicodedata.normalize("NFD", "Tra cứu hồ sơ được không ạ"), "Tra cứu hồ sơ được không ạ"),
        ("Ｈ１９．１２－２６１１０３－０００７", "H19.12-261103-0007"),
        ("H56.14–240823—0001", "H56.14-240823-0001"),
        ("H56.14\u2212240823\u20110001", "H56.14-240823-0001"),
        ("tra\u00a0cứu \u200bhồ\u2003sơ", "tra cứu hồ sơ"),
        ("\u202etra cứu\u202c\u2066 hồ sơ\u2069\ufeff", "tra cứu hồ sơ"),
        ("  tra\r\n\tcứu  ", "tra cứu"),
        ("Ðường", "Đường"),
        ("a\x00b\x1b[0m", "ab[0m"),
        ("a\ud800b", "ab"),
        ("\u200b\ufeff ", ""),
        ("", ""),
    ],
)
def test_what_looks_the_same_becomes_the_same(typed: str, cleaned: str) -> None:
    assert clean(typed) == cleaned


def test_a_flood_of_marks_leaves_a_readable_letter() -> None:
    flooded = clean("c" + "\u0301\u0323\u0302" * 4000 + "hào")
    assert len(flooded) < 10
    assert fold(flooded) == "chao"


def test_a_long_message_is_cut_at_the_limit() -> None:
    assert len(clean("hồ sơ " * 10_000)) <= MESSAGE_LIMIT
    assert clean("hồ sơ của tôi", limit=6) == "hồ sơ"


@given(NASTY)
def test_cleaning_twice_changes_nothing_and_gives_nfc(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    once.encode()


@pytest.mark.parametrize(
    ("text", "shadow"),
    [
        ("Đăng ký nhận thông báo", "dang ky nhan thong bao"),
        ("ĐƯỢC", "duoc"),
        ("hoá", "hoa"),
        ("hóa", "hoa"),
        ("thuỷ", "thuy"),
        ("thủy", "thuy"),
        ("ĂÂÊÔƠƯ ẶẬỆỘỢỰ", "aaeoou aaeoou"),
        ("İstanbul café", "istanbul cafe"),
        ("H19.12-261103-0007", "h19.12-261103-0007"),
    ],
)
def test_the_shadow_has_no_tones(text: str, shadow: str) -> None:
    assert fold(text) == shadow
    assert fold(unicodedata.normalize("NFD", text)) == shadow


@given(NASTY)
def test_the_shadow_of_a_shadow_is_itself(text: str) -> None:
    shadow = fold(clean(text))
    assert fold(shadow) == shadow


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hoá", "hóa"),
        ("THUỶ", "thủy"),
        ("khoẻ", "khỏe"),
        ("uỷ ban", "Ủy ban"),
        ("thuở", "thủơ"),
        ("quý", "qúy"),
        ("toán", "tóan"),
    ],
)
def test_both_places_of_a_tone_mark_are_one_spelling(one: str, other: str) -> None:
    assert toned(one) == toned(other)


@pytest.mark.parametrize(("one", "other"), [("bán", "bản"), ("số", "sổ"), ("tố cáo", "to cao"), ("múa", "mua")])
def test_tones_still_tell_words_apart(one: str, other: str) -> None:
    assert toned(one) != toned(other)


@pytest.mark.parametrize(
    "unit",
    ["\u0323\u031b\u0301", "\u0301", "a\u0323\u0302", "\u202e", "hóa", "Ａ", " ", "\ud800", "\U000e0041", "👨\u200d👩"],
)
def test_a_hundred_thousand_hostile_characters_are_read_at_once(unit: str) -> None:
    """Time is linear: a quadratic step anywhere would show as minutes."""
    text = unit * (100_000 // len(unit))
    assert clean(text, limit=len(text)) is not None
    assert fold(text) is not None
    assert toned(text) is not None
    assert len(clean(text)) <= MESSAGE_LIMIT
