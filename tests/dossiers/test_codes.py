"""A dossier code is recognised however it was typed, and nothing else is taken for one."""

import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.dossiers.codes import CodeInvalid, find_codes, normalise, parse
from govchat.dossiers.status import STATUSES

TODAY = date(2026, 11, 22)


def keys(text: str) -> list[str]:
    return [code.key for code in find_codes(text, TODAY).codes]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("H26.103.25.7-250908-0112", ["H26.103.25.7-250908-0112"]),
        ("H57.132-260804-0583", ["H57.132-260804-0583"]),
        ("H56.14-240823-0001", ["H56.14-240823-0001"]),
        ("H19-251103-0007", ["H19-251103-0007"]),
        ("h19.12-251103-0007", ["H19.12-251103-0007"]),
        ("H56.14–240823–0001", ["H56.14-240823-0001"]),
        ("Ｈ５６．１４－２４０８２３－０００１", ["H56.14-240823-0001"]),
        ("H19.12.251103.0007", ["H19.12-251103-0007"]),
        ("H19 12 251103 0007", ["H19.12-251103-0007"]),
        ("H19.12 - 251103 - 0007", ["H19.12-251103-0007"]),
        ("H 19.12-251103-0007", ["H19.12-251103-0007"]),
        ("H1912-251103-7", ["H19.12-251103-0007"]),
        ("H19.12_251103/0007", ["H19.12-251103-0007"]),
        ("H19.12-251103 0007 ạ", ["H19.12-251103-0007"]),
        ("H19.12-251103-0007ạ", ["H19.12-251103-0007"]),
        ("H19.12-251103-0007oi ad", ["H19.12-251103-0007"]),
        ("H19.12-251103-0007lam on", ["H19.12-251103-0007"]),
        ("H19.12-251103-0007.", ["H19.12-251103-0007"]),
        ("H19.12-251103-0007xong chưa", ["H19.12-251103-0007"]),
        ("hl9.12-251103-0007", ["H19.12-251103-0007"]),
        ("H19.I2-2511O3-OOO7", ["H19.12-251103-0007"]),
        ("H19.12-251103-001O", ["H19.12-251103-0010"]),
        ("mã: H26.103.25.7-250908-0112 xem giúp", ["H26.103.25.7-250908-0112"]),
        ("mã hồ sơ:H26.103.25.7-250908-0112", ["H26.103.25.7-250908-0112"]),
        ("(H19.12-251103-0007)", ["H19.12-251103-0007"]),
        ("h57.132-260804-0583 xong chua", ["H57.132-260804-0583"]),
        ("tra cuu ho so H19.12-261103-0007", ["H19.12-261103-0007"]),
        ("cho e hoi hs H19.12-251103-0007 voi H19.12-251103-0008", ["H19.12-251103-0007", "H19.12-251103-0008"]),
        ("H19.12-251103-0007,H19.12-251103-0008", ["H19.12-251103-0007", "H19.12-251103-0008"]),
        ("H19.12-251103-0007 H19.12-251103-7 h19.12.251103.00007", ["H19.12-251103-0007"]),
        ("toi co 2 H19.12-251103-0007", ["H19.12-251103-0007"]),
        ("000.00.19.H47-260105-0001", ["000.00.19.H47-260105-0001"]),
        ("000.00.12.h19.251103.7", ["000.00.12.H19-251103-0007"]),
        ("00000 12 H19 251103 0007", ["000.00.12.H19-251103-0007"]),
        ("000 00 12 H19 251103 0007", ["000.00.12.H19-251103-0007"]),
        ("ooo.oo.12.H19-251103-0007", ["H19-251103-0007"]),
        ("mã 000.00.19.H47-260105-0001 và H19.12-251103-0007 ạ", ["000.00.19.H47-260105-0001", "H19.12-251103-0007"]),
        ("H19.12-251103-0007 000.00.19.H47-260105-0001", ["H19.12-251103-0007", "000.00.19.H47-260105-0001"]),
        ("G01.103-251103-0007", ["G01.103-251103-0007"]),
        ("g15-251103-12", ["G15-251103-0012"]),
        ("0912 345 678 H19-251103-0007", ["H19-251103-0007"]),
        ("H19.12-251103-123456", ["H19.12-251103-123456"]),
        (unicodedata.normalize("NFD", "Tra cứu hồ sơ H19.12-251103-0007 giúp với ạ"), ["H19.12-251103-0007"]),
    ],
)
def test_every_shape_of_a_code_is_read(typed: str, expected: list[str]) -> None:
    assert keys(typed) == expected


@pytest.mark.parametrize(
    "text",
    [
        "0912345678",
        "+84 912 345 678",
        "0912 345 678",
        "090112 3456",
        "060190000123",
        "060190 000123",
        "012345678",
        "22/11/2026",
        "2026-11-22 09:12",
        "22-11-2026",
        "2187/SKHCN-TTKHCN",
        "251103-0007/UBND-VP",
        "1.000894",
        "1.012753.H19",
        "1.011442.000.00.00.H38",
        "2.000815.000.00.00.H55.02",
        "G03-GD10",
        "KQ.G15.000032",
        "60A-123.45",
        "hoi ho so",
        "hoi 25 thang 11",
        "phí 250000 5000",
        "200000-500000 đồng",
        "Hoi 0912345678",
        "xin chào",
    ],
)
def test_other_numbers_are_no_dossier_codes(text: str) -> None:
    found = find_codes(text, TODAY)
    assert not found.codes
    assert not found.misdated
    assert not found.tails
    assert found.before == found.text


@pytest.mark.parametrize(
    ("text", "tails"),
    [
        ("251103-0007", ("251103-0007",)),
        ("251103-7", ("251103-0007",)),
        ("251103 0007 ạ", ("251103-0007",)),
        ("cho hỏi 251103.0007 với", ("251103-0007",)),
        ("2511O3-0007", ("251103-0007",)),
        ("hoi 251103-0007", ("251103-0007",)),
        ("271103-0007", ("271103-0007",)),
        ("H19,12a-251103-0007", ("251103-0007",)),
    ],
)
def test_a_tail_is_reported_as_a_tail(text: str, tails: tuple[str, ...]) -> None:
    found = find_codes(text, TODAY)
    assert found.codes == ()
    assert found.tails == tails


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("H19.12-251303-0007", "impossible"),
        ("H19.12-250230-0007", "impossible"),
        ("H19.12-000000-0007", "impossible"),
        ("H19.12-261123-0007", "future"),
        ("H19.12-991231-0007", "future"),
    ],
)
def test_a_day_that_cannot_be_is_reported(text: str, why: str) -> None:
    found = find_codes(text, TODAY)
    assert found.codes == ()
    assert [(wrong.key, wrong.why, wrong.letter_code) for wrong in found.misdated] == [(text, why, "H19")]


def test_a_code_of_today_is_not_of_the_future() -> None:
    assert keys("H19.12-261122-0007") == ["H19.12-261122-0007"]


@pytest.mark.parametrize("text", ["H19.12.0007", "H19.12-2511-0007", "h19.12-251103", "H19.12-251103-12345678"])
def test_what_begins_like_a_code_and_is_none_is_reported_broken(text: str) -> None:
    found = find_codes(f"tra cứu {text}", TODAY)
    assert (found.codes, found.tails) == ((), ())
    assert found.broken


def test_the_words_around_codes_are_told_apart() -> None:
    found = find_codes("Tra cứu  H19.12-251103-0007 và H19.12-251103-0008  K7PX", TODAY)
    assert (found.before, found.rest, found.around) == ("Tra cứu", "K7PX", "Tra cứu và K7PX")
    assert [found.text[first:last] for first, last in found.spans] == ["H19.12-251103-0007", "H19.12-251103-0008"]


def test_parse_says_what_the_code_says() -> None:
    code = parse("h26.103.25.7-250908-112")
    assert code.key == "H26.103.25.7-250908-0112"
    assert (code.unit, code.letter_code, code.received_on, code.number) == (
        "H26.103.25.7",
        "H26",
        date(2025, 9, 8),
        112,
    )
    assert parse("000.00.19.H47-260105-0001").unit == "000.00.19.H47"


@pytest.mark.parametrize("code", ["H19.12-251103-7", "H19.12-251103-07", "h19.12.251103.00007", "H19.12-251103-000007"])
def test_leading_zeros_of_the_number_do_not_matter(code: str) -> None:
    assert normalise(code) == "H19.12-251103-0007"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("", "empty"),
        ("abc", '"abc"'),
        ("H19.12", "such as H19.12-261103-0007"),
        ("H19.12-251303-0007", '"251303" is no day'),
        ("H19.12-251103-0007 K7PX", "expected one code"),
        ("H19.12-251103-0007 H19.12-251103-0008", "expected one code"),
        ("251103-0007", "expected one code"),
        ("H19." * 500, "…"),
    ],
)
def test_a_refusal_names_the_code_and_the_way_out(code: str, says: str) -> None:
    with pytest.raises(CodeInvalid, match="dossier code") as refusal:
        parse(code)
    assert says in refusal.value.detail
    assert len(refusal.value.detail) < 300
    assert (refusal.value.status, refusal.value.code) == (422, "dossier_code_invalid")


@st.composite
def written_codes(draw: st.DrawFn) -> tuple[list[str], str]:
    """The groups of a real code (unit, date, number) and its key."""
    letters = draw(st.sampled_from("HG")) + f"{draw(st.integers(1, 63)):02d}"
    day = draw(st.dates(date(2018, 7, 1), TODAY)).strftime("%y%m%d")
    number = draw(st.integers(0, 999_999))
    if draw(st.booleans()):
        group = st.integers(0, 999).map(str)
        unit = [letters, *draw(st.lists(group, max_size=3))]
    else:
        unit = ["000", f"{draw(st.integers(0, 99)):02d}", f"{draw(st.integers(0, 99)):02d}", letters]
    return [*unit, day, str(number)], f"{'.'.join(unit)}-{day}-{number:04d}"


def mistyped(draw: st.DrawFn, group: str) -> str:
    """The group with look-alike letters for some digits, at least one real digit left (three in a date)."""
    spared = set(draw(st.permutations(range(len(group))))[: 3 if len(group) == 6 else 1])
    letters = {"0": "Oo", "1": "lI"}
    return "".join(
        draw(st.sampled_from([digit, *letters.get(digit, "")])) if at not in spared else digit
        for at, digit in enumerate(group)
    )


@given(st.data())
def test_no_usual_noise_changes_the_key(data: st.DataObject) -> None:
    groups, key = data.draw(written_codes())
    *unit, day, number = groups
    separators = (
        st.sampled_from([".", "-", " ", " - ", "–", "_", ". "]) if unit[0] != "000" else st.sampled_from([".", " "])
    )
    tidy = [mistyped(data.draw, group) if group.isdigit() and group.strip("0") else group for group in [*unit, day]]
    zeros = "0" * data.draw(st.integers(0, 6 - len(number)))
    typed = "".join(group + data.draw(separators) for group in tidy) + zeros + number
    if data.draw(st.booleans()):
        typed = typed.lower()
    around = data.draw(
        st.sampled_from(["{}", "tra cuu {}", "mã: {} ạ", "cho em hỏi hồ sơ {} xong chưa", "{}oi", "({})", "{}, cảm ơn"])
    )
    assert keys(around.format(typed)) == [key]
    assert normalise(key) == key


SHAPED = st.lists(
    st.one_of(
        st.sampled_from(
            ["H19", "h", "G", "l", "O", "000", "00", "251103", "0007", ".", "-", " ", "/", "ạ", "H19.12-251103-0007"]
        ),
        st.text(),
    ),
    max_size=60,
).map("".join)


@given(SHAPED, st.dates(date(2000, 1, 1), date(2099, 12, 31) - timedelta(days=1)))
def test_no_text_is_too_odd(text: str, today: date) -> None:
    found = find_codes(text, today)
    assert all(code.received_on <= today for code in found.codes)
    assert all(0 <= first < last <= len(found.text) for first, last in found.spans)
    for code in found.codes:
        assert parse(code.key).key == code.key
        assert find_codes(code.key, today).codes[0].key == code.key


@pytest.mark.parametrize(
    "unit", ["H19.", "H19 1 1 1 1 ", "1 ", "H", "000.00.", "251103-", "H19.12-251103-0007 ", "O", "0.", "lH"]
)
def test_a_hostile_length_is_read_at_once(unit: str) -> None:
    find_codes(unit * 100_000, TODAY)
    with pytest.raises(CodeInvalid):
        parse(unit * 100_000)


def test_the_ten_statuses_are_whole() -> None:
    assert sorted(STATUSES) == list(range(1, 11))
    assert {number for number, status in STATUSES.items() if status.paused} == {5, 6, 8}
    assert {number for number, status in STATUSES.items() if status.terminal} == {3, 7, 8, 10}
    assert {number for number, status in STATUSES.items() if status.running} == {1, 2, 4}
    for status in STATUSES.values():
        assert unicodedata.is_normalized("NFC", status.label + status.sentence)
        assert status.sentence.endswith(".")
