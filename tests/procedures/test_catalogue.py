"""The starter catalogue: complete, well formed, and honest about what is not confirmed."""

import re
import unicodedata
from collections import Counter
from importlib import resources

import msgspec
import pytest

from govchat.procedures.catalogue import Catalogue, Fee, Limit, Procedure, Variant, national_code, starter

ROWS = list(starter())
RAW = (resources.files("govchat.procedures") / "data" / "starter.json").read_text(encoding="utf-8")


def strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    return [text for each in value for text in strings(each)] if isinstance(value, list | tuple) else []


def test_every_row_loads_and_no_key_is_unknown() -> None:
    class Strict(Procedure, forbid_unknown_fields=True, frozen=True, kw_only=True, gc=False):
        pass

    assert len(msgspec.json.decode(RAW, type=list[Strict])) == len(ROWS) == len(starter()) == 110


def test_codes_are_well_formed_and_the_five_from_memory_are_marked() -> None:
    assert all(re.fullmatch(r"[1-9]\.\d{6}", row.code) for row in ROWS)
    unconfirmed = {row.code for row in ROWS if row.code_certainty != "confirmed"}
    assert unconfirmed == {"2.002407", "2.002411", "2.002409", "2.002394", "1.010944"}
    assert all(row.code_certainty == "unconfirmed" and not row.source for row in ROWS if row.code in unconfirmed)


def test_every_text_is_composed_trimmed_and_without_doubled_spaces() -> None:
    for row in ROWS:
        for text in strings(msgspec.to_builtins(row)):
            assert text == unicodedata.normalize("NFC", text), (row.code, text)
            assert text == text.strip(), (row.code, text)
            assert "  " not in text, (row.code, text)


def test_lists_hold_no_empty_or_doubled_entry() -> None:
    for row in ROWS:
        for entries in (
            row.documents,
            row.results,
            row.legal_basis,
            row.agencies,
            row.aliases,
            row.channels,
            row.levels,
            row.topics,
        ):
            assert len(set(entries)) == len(entries), (row.code, entries)
            assert all(entries), (row.code, entries)
        assert row.documents, row.code
        assert row.aliases, row.code
        assert row.levels, row.code


def test_a_limit_has_value_and_unit_or_neither() -> None:
    assert [row.code for row in ROWS if row.limit.value is None] == ["1.010944"]
    for row in ROWS:
        assert (row.limit.value is None) == (row.limit.unit is None), row.code
        assert (row.limit.unit == "same_day") == (row.limit.value == 0), row.code
        assert "varies" not in row.limit.caveats or row.limit.variants, row.code


def test_figures_that_nobody_confirmed_stay_marked() -> None:
    # Counted in the facts this catalogue was made from: a figure that becomes certain needs a source, not an edit.
    assert Counter(row.code_certainty for row in ROWS) == {"confirmed": 105, "unconfirmed": 5}
    assert Counter(row.limit.certainty for row in ROWS) == {"confirmed": 83, "typical": 26, "inferred": 1}
    assert Counter(row.fee.certainty for row in ROWS) == {"typical": 97, "confirmed": 13}
    assert Counter(row.documents_certainty for row in ROWS) == {"condensed": 82, "typical": 28}
    assert Counter(row.online_certainty for row in ROWS) == {"typical": 101, "confirmed": 9}
    assert Counter(row.limit.unit for row in ROWS) == {
        "working_day": 62,
        "calendar_day": 39,
        "same_day": 6,
        "working_hour": 2,
        None: 1,
    }
    assert sum("plain_days" in row.limit.caveats for row in ROWS) == 31
    assert sum("varies" in row.limit.caveats for row in ROWS) == 22


def test_an_amount_is_the_only_figure_of_its_fee() -> None:
    for row in ROWS:
        if row.fee.amount is not None:
            assert row.fee.text.removesuffix(" đ").replace(".", "") == str(row.fee.amount), row.code


def test_legal_references_are_numbers_not_sentences() -> None:
    for row in ROWS:
        for reference in row.legal_basis:
            assert re.fullmatch(r"[\d.a-z]+/\d{4}/[A-ZĐ\d-]+|\d+/QĐ-UBND", reference), (row.code, reference)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("1.012753", "1.012753"),
        (" 1.012753.H19 ", "1.012753"),
        ("1.011442.000.00.00.h38", "1.011442"),
        ("1.011441.000.00.00.H55.02", "1.011441"),
        ("1.12753", None),
        ("0.012753", None),
        ("1.012753-H19", None),
        ("1.0127534", None),
        ("٣.012753", None),
        ("", None),
    ],
)
def test_a_provincial_code_leads_to_the_national_one(typed: str, code: str | None) -> None:
    assert national_code(typed) == code


def test_the_catalogue_answers_by_code() -> None:
    row = starter().get("1.012753.H19")
    assert row is not None
    assert (row.code, row.field) == ("1.012753", "Đất đai")
    assert starter().get("9.999999") is None
    assert starter().get("đăng ký kết hôn") is None
    assert starter() is starter()


def test_known_rows_read_as_their_sources() -> None:
    nationality = starter().get("2.002039")
    assert nationality is not None
    assert (nationality.limit.value, nationality.limit.unit, nationality.fee.certainty) == (
        105,
        "calendar_day",
        "confirmed",
    )
    building = starter().get("1.013225")
    assert building is not None
    assert building.limit.variants == (Variant(7, "working_day", "nhà ở riêng lẻ"),)
    assert building.limit.spelled == "10 ngày làm việc (nhà ở riêng lẻ: 7 ngày làm việc)"
    temporary = starter().get("1.013083")
    assert temporary is not None
    assert (temporary.limit.value, temporary.limit.unit, temporary.limit.caveats) == (
        8,
        "working_hour",
        ("unit_corrected",),
    )
    assert [row.code for row in ROWS if row.is_provincial] == ["1.009141", "1.012789"]


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(value=3, unit="working_day", certainty="confirmed"), "3 ngày làm việc"),
        (
            Limit(value=0, unit="same_day", certainty="typical"),
            "trong ngày (tiếp nhận sau 15 giờ: ngày làm việc tiếp theo)",
        ),
        (
            Limit(
                value=17,
                unit="working_day",
                variants=(Variant(20, "working_day"), Variant(4, "working_day")),
                certainty="confirmed",
            ),
            "từ 4 đến 20 ngày làm việc, tùy trường hợp",
        ),
        (
            Limit(value=7, unit="working_day", variants=(Variant(1, "calendar_day"),), certainty="confirmed"),
            "7 ngày làm việc (trường hợp khác: 1 ngày)",
        ),
        (
            Limit(variants=(Variant(10, "working_day", "trả lời đơn"),), certainty="typical"),
            "trả lời đơn: 10 ngày làm việc",
        ),
        (Limit(certainty="typical"), ""),
    ],
)
def test_a_limit_is_spelled_for_people(limit: Limit, words: str) -> None:
    assert limit.spelled == words


def test_a_catalogue_is_in_code_order_whatever_it_was_made_from() -> None:
    catalogue = Catalogue(ROWS[::-1])
    assert [row.code for row in catalogue] == sorted(row.code for row in ROWS)
    assert isinstance(ROWS[0].fee, Fee)
