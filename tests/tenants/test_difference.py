"""The difference that is shown before applying: field by field, rows of lists by their names."""

from govchat.tenants.difference import Change, changes_between, shown


def test_a_field_is_named_by_its_table_and_a_row_by_its_code() -> None:
    before = {"zalo": {"signature": "observe"}, "h_codes": [{"code": "H1", "kind": "own"}, {"code": "H2"}], "x": 1}
    after = {"zalo": {"signature": "enforce"}, "h_codes": [{"code": "H3"}, {"code": "H1", "kind": "absorbed"}]}
    assert changes_between(before, after) == [
        Change("zalo.signature", "observe", "enforce"),
        Change("h_codes[H3]", None, {"code": "H3"}),
        Change("h_codes[H1].kind", "own", "absorbed"),
        Change("h_codes[H2]", {"code": "H2"}, None),
        Change("x", 1, None),
    ]
    assert str(changes_between(before, after)[0]) == "zalo.signature: observe → enforce"


def test_two_rows_of_one_code_are_told_apart() -> None:
    rows = [{"code": "H1", "valid_to": "2026-01-01"}, {"code": "H1", "valid_from": "2026-01-02"}]
    assert changes_between({"h_codes": rows[:1]}, {"h_codes": rows}) == [Change("h_codes[H1#2]", None, rows[1])]


def test_what_is_the_same_in_another_order_is_no_difference() -> None:
    assert changes_between({"a": [{"slug": "x"}, {"slug": "y"}]}, {"a": [{"slug": "y"}, {"slug": "x"}]}) == []


def test_a_long_value_is_cut_and_nothing_is_a_dash() -> None:
    assert shown("a\nb") == "a b"
    assert len(shown("x" * 100)) == 61
    assert shown(None) == shown([]) == "-"
    assert shown({"code": "H1", "of": None}) == "code H1"
