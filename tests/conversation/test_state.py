"""A conversation's state as it is stored: read back as it was, and a fresh start where it can't be."""

from typing import Any

import msgspec
import pytest

from govchat.conversation.state import FRESH, State, dump, load


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "",
        b"\xff",
        "{",
        "[]",
        "null",
        7,
        {"version": 2, "step": "idle"},
        {"version": 0},
        {"step": "filing.photo"},
        {"codes": ["x"] * 50},
        {"codes": ["x" * 500]},
        {"awaiting_until": -1},
        {"asides": [{"code": 1}]},
        '{"codes": ' + "[" * 5000,
        "\ud800",
    ],
)
def test_what_cannot_be_read_back_is_a_fresh_start(stored: Any) -> None:
    assert load(stored) == FRESH


def test_a_state_survives_its_storage_and_unknown_fields() -> None:
    state = State(step="lookup.awaiting_secret", codes=("H19-251103-0007",), awaiting_until=5, misses=1)
    assert load(dump(state)) == load(msgspec.json.encode(state)) == load(msgspec.json.encode(state).decode()) == state
    assert load({**dump(state), "subscriptions": 3}) == state
