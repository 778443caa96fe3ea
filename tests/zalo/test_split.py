"""Long texts are cut where a reader would pause, and nothing is lost."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.zalo.split import split

SENTENCE = (
    "Hồ sơ của bạn đang được UBND. phường Trảng Dài, TP. Biên Hòa thẩm định theo thủ tục 1.000894 từ ngày 20.11.2026."
)


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_a_short_text_stays_one_and_an_empty_one_none():
    assert split("Xin chào.") == ["Xin chào."]
    assert split("  \n ") == []


def test_a_split_text_never_cuts_a_sentence_in_two():
    text = " ".join([SENTENCE] * 60)
    parts = split(text)
    assert len(parts) > 3
    for part in parts:
        assert len(part) <= 2000
        assert part.startswith("Hồ sơ")
        assert part.endswith("20.11.2026.")


def test_paragraphs_stay_whole_when_that_wastes_less_than_half_a_message():
    first, second = "A" * 1200 + ".", "Câu một. " * 150
    assert split(f"{first}\n\n{second}")[0] == first


def test_a_short_first_paragraph_is_not_sent_alone():
    parts = split("Kính chào bạn!\n\n" + "Một câu dài vừa phải. " * 150)
    assert len(parts[0]) > 1900


@pytest.mark.parametrize(
    "text",
    [
        "Nộp tại UBND. phường hôm nay nhé bạn",
        "Gặp Đ/c. Nam ở quầy số ba nhé bạn",
        "Ông Nguyễn V. Nam sẽ gọi lại cho bạn",
        "Đến TP. Huế để nhận kết quả nhé bạn ơi",
        "Theo khoản 2. của điều ấy thì được miễn",
        "Lệ phí 1.000.000 đồng theo mã 1.000894 ạ",
        "1. Tờ khai theo mẫu có xác nhận của thôn",
    ],
)
def test_a_stop_inside_an_abbreviation_or_a_number_ends_no_sentence(text):
    whole = f"Đã xong. {text}."
    limit = len(whole) - 1
    assert split(whole, limit) == ["Đã xong.", f"{text}."]


@pytest.mark.parametrize("end", [".", "!", "?", "…", "?!", '."', ".”", ".)"])
def test_sentences_end_as_vietnamese_ends_them(end):
    first = f"Câu thứ nhất{end}"
    assert split(f"{first} Câu thứ hai thì dài hơn", 24) == [first, "Câu thứ hai thì dài hơn"]


def test_a_sentence_too_long_is_cut_at_a_comma_then_between_words_then_inside():
    assert split("một hai ba bốn, năm sáu bảy tám", 20) == ["một hai ba bốn,", "năm sáu bảy tám"]
    assert split("một hai ba bốn năm sáu", 12) == ["một hai ba", "bốn năm sáu"]
    assert split("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_a_no_break_space_does_not_break():
    assert split("trả 500\u00a0000 đồng", 10) == ["trả", "500\u00a0000", "đồng"]


def test_decomposed_text_is_counted_composed():
    text = unicodedata.normalize("NFD", "ế" * 2000)
    assert len(text) > 2000
    assert split(text) == ["ế" * 2000]


@pytest.mark.parametrize("cluster", ["👩‍👩‍👧‍👦", "👍🏽", "🇻🇳", "q\u0323\u0302", "❤️", "1️⃣"])
def test_what_is_seen_as_one_character_is_never_torn(cluster):
    cluster = unicodedata.normalize("NFC", cluster)
    for limit in range(len(cluster), 4 * len(cluster)):
        for part in split("a" + cluster * 12, limit):
            assert part.removeprefix("a").replace(cluster, "") == ""


def test_a_letter_with_more_marks_than_the_limit_is_cut_all_the_same():
    parts = split("a" + "\u0334" * 30, 10)
    assert [len(part) for part in parts] == [10, 10, 10, 1]


def test_line_ends_and_control_characters_are_made_harmless():
    assert split("một\r\nhai\x00\x07 ba") == ["một\nhai ba"]


def test_a_limit_below_one_is_refused():
    with pytest.raises(ValueError, match="limit 0"):
        split("a", 0)


@given(text=st.text(max_size=400), limit=st.integers(1, 60))
def test_nothing_is_lost_and_no_part_is_too_long(text, limit):
    parts = split(text, limit)
    assert all(0 < len(part) <= limit for part in parts)
    kept = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cc")
    assert squeezed("".join(parts)) == squeezed(kept)
    assert all(unicodedata.is_normalized("NFC", part) for part in parts if not unicodedata.combining(part[0]))


@given(words=st.lists(st.text("aăâđêôơưế", min_size=1, max_size=9), min_size=1, max_size=80), limit=st.integers(9, 60))
def test_words_that_fit_are_never_cut(words, limit):
    assert " ".join(split(" ".join(words), limit)).split() == words
