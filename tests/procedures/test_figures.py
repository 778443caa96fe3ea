"""Cells into figures: what is plain is taken, what is not keeps its words and a doubt."""

from itertools import starmap

import pytest

from govchat.procedures.catalogue import Variant
from govchat.procedures.figures import fee_of, items_of, levels_of, limit_of, online_of
from govchat.procedures.rows import drafts_of, key_of
from govchat.procedures.sheet import read


@pytest.mark.parametrize(
    ("text", "value", "unit", "kinds"),
    [
        ("5 ngày làm việc", 5, "working_day", []),
        ("05 (năm) ngày làm việc kể từ ngày 01/07/2025", 5, "working_day", []),
        ("Không quá 20 ngày", 20, "calendar_day", ["plain_days"]),
        ("8 giờ làm việc", 8, "working_hour", []),
        ("8 ngày", 8, "calendar_day", ["maybe_hours", "plain_days"]),
        ("Trực tiếp: 3 ngày làm việc\nTrực tuyến: 3 ngày làm việc", 3, "working_day", []),
        ("Ngay trong ngày; sau 15 giờ thì ngày tiếp theo", 0, "same_day", []),
    ],
)
def test_one_figure_is_taken_with_its_unit(text, value, unit, kinds):
    found = limit_of(text)
    assert (found.value.value, found.value.unit) == (value, unit)
    assert [flag.kind for flag in found.flags] == kinds


@pytest.mark.parametrize("text", ["1/2 ngày", "0,5 ngày làm việc", "6 tháng", "theo quy định", "99999 ngày", "0 ngày"])
def test_what_can_not_be_told_in_our_units_is_kept_as_words(text):
    found = limit_of(text)
    assert found.value is None
    assert [(flag.kind, flag.raw) for flag in found.flags] == [("unread", text)]


def test_limits_under_channels_are_variants_and_no_figure_is_chosen():
    found = limit_of("Trực tiếp: 15 Ngày làm việc; Trực tuyến: 10 Ngày làm việc; Dịch vụ bưu chính: 25 Ngày làm việc")
    assert found.value.value is None
    assert found.value.variants == tuple(
        starmap(Variant, [(15, "working_day"), (10, "working_day"), (25, "working_day")])
    )
    assert [flag.kind for flag in found.flags] == ["limits_by_channel"]
    assert found.value.spelled == "từ 10 đến 25 ngày làm việc, tùy trường hợp"
    assert found.value.certainty == "unconfirmed"


def test_a_named_case_keeps_its_name():
    found = limit_of("10 ngày làm việc; nhà ở riêng lẻ: 7 ngày làm việc")
    assert Variant(7, "working_day", "nhà ở riêng lẻ") in found.value.variants


@pytest.mark.parametrize(
    ("text", "amount", "words"),
    [
        ("50.000 đồng", 50000, "50.000 đ"),
        ("1000000", 1000000, "1.000.000 đ"),
        ("Không", 0, "Không thu"),
        ("Miễn phí", 0, "Không thu"),
        ("do HĐND tỉnh quy định", None, "do HĐND tỉnh quy định"),
        ("50.000đ; trực tuyến 25.000đ", None, "50.000đ; trực tuyến 25.000đ"),
        ("50", None, "50"),
    ],
)
def test_a_fee_has_an_amount_only_when_one_figure_holds_for_all(text, amount, words):
    fee = fee_of(text).value
    assert (fee.amount, fee.text) == (amount, words)


def test_levels_lists_and_online_say_what_is_old_or_unclear():
    assert levels_of("Cấp Xã, Cấp Tỉnh").value == ("commune", "province")
    assert [flag.kind for flag in levels_of("Cấp huyện").flags] == ["district"]
    assert online_of("Toàn trình").value == "full"
    assert [flag.kind for flag in online_of("Mức độ 4").flags] == ["old_level"]
    assert items_of("1. Đơn\n2) Ảnh\n- Đơn\n") == ("Đơn", "Ảnh")


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("1.012753", "1.012753"), ("1.012753.H19", "1.012753"), ("1.011442.000.00.00.H38", "1.011442"),
        ("1.011441.000.00.00.h55.02", "1.011441.000.00.00.H55.02"), ("1.0133611", "1.0133611"), ("1.014955-Xoa", "1.014955-XOA"),
        ("khai sinh", None), ("", None), ("1", None), ("1.012753; DROP", None), ("H19.12-261103-0007", None),
    ],
)  # fmt: skip
def test_a_code_leads_to_what_it_is_kept_under(code, key):
    assert key_of(code) == key


def test_lines_of_one_code_are_put_together_and_other_names_are_refused():
    text = (
        "Mã,Tên thủ tục,Kênh,Thời hạn\n1.000656,Khai tử,Trực tiếp,5 ngày làm việc\n1.000656,Khai tử,Trực tuyến,3 ngày làm việc\n"
        "1.000656,Kết hôn,Trực tuyến,3 ngày làm việc\n"
    )
    (draft,), (bad,) = drafts_of(read(text.encode()), lambda code: False)
    assert draft.patch.channels == ("counter", "online")
    assert draft.patch.limit.value is None
    assert {variant.value for variant in draft.patch.limit.variants} == {3, 5}
    assert "variants_by_row" in {flag.kind for flag in draft.patch.flags}
    assert (bad.line, "dòng 2" in bad.reason) == (4, True)


def test_a_note_in_hours_doubts_a_limit_in_days():
    text = "Mã,Thời hạn,time_note\n1.000656,3 ngày làm việc,thực tế là 3 giờ\n"
    (draft,), _ = drafts_of(read(text.encode()), lambda code: False)
    assert [flag.kind for flag in draft.patch.flags] == ["maybe_hours"]
    assert draft.patch.limit.unit == "working_day"
