"""Tokens: short, ours alone, and worthless when changed."""

import os

from hypothesis import given
from hypothesis import strategies as st

from govchat.kit.crypto import TenantVault
from govchat.receipts import token

OURS = TenantVault("ours", b"1" * 32)
THEIRS = TenantVault("theirs", b"2" * 32)
TAG = "0a1b2c3d"


def test_a_token_is_24_letters_that_fit_a_link_and_ends_in_no_dash():
    for _ in range(200):
        made = token.make(OURS, TAG, token.new_ref(OURS, TAG))
        assert len(made) == 24
        assert made[-1].isalnum()
        parts = token.read(made)
        assert parts.tag == TAG
        assert token.is_ours(OURS, parts)


def test_another_provinces_key_does_not_prove_it():
    parts = token.read(token.make(THEIRS, TAG, os.urandom(6)))
    assert not token.is_ours(OURS, parts)


def test_any_changed_letter_breaks_it():
    made = token.make(OURS, TAG, token.new_ref(OURS, TAG))
    for place in range(len(made)):
        changed = made[:place] + ("A" if made[place] != "A" else "B") + made[place + 1 :]
        assert not token.is_ours(OURS, token.read(changed)), place


@given(st.one_of(st.text(max_size=40), st.text("abcXYZ019-_", min_size=24, max_size=24)))
def test_whatever_is_read_is_never_ours(text):
    parts = token.read(text)
    assert parts is None or not token.is_ours(OURS, parts)
