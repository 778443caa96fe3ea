"""Cursors: what a list gave leads on in that list, anything else is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.kit.paging import CursorInvalid, decode, encode


@given(st.text(), st.text())
def test_a_cursor_leads_back_to_its_key_and_fits_an_address(name: str, key: str) -> None:
    cursor = encode(name, key)
    assert decode(name, cursor) == key
    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "cursor", ["", "x", "????", "é", encode("another list", "1"), encode("list", "1")[:-3], "bnVsbA"]
)
def test_what_this_list_did_not_give_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid, match="next_cursor"):
        decode("list", cursor)


@given(st.text(max_size=60))
def test_no_text_breaks_it(cursor: str) -> None:
    with contextlib.suppress(CursorInvalid):
        decode("list", cursor)
