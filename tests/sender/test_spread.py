"""A campaign is spread over the minute, uses all of it, and what rests does not save up."""

from hypothesis import given
from hypothesis import strategies as st

from govchat.kit.ids import new_id
from govchat.sender.spread import AT_ONCE_S, FASTER, LEAST, Spread

LIMITS = st.integers(min_value=1, max_value=10_000)


def sent(spread: Spread, limit: int, seconds: float, *, every_s: float) -> list[int]:
    """What goes at each look of somebody who always has something to send."""
    tenant, went = new_id(), []
    for step in range(int(seconds / every_s)):
        room = spread.room(tenant, limit, step * every_s)
        spread.took(tenant, room)
        went.append(room)
    return went


@given(LIMITS)
def test_nobody_sends_a_minutes_worth_at_once_and_all_of_a_minute_is_used(limit: int) -> None:
    went = sent(Spread(), limit, 120.0, every_s=0.25)
    at_once = max(limit / 60 * FASTER * AT_ONCE_S, LEAST)
    for first in range(0, len(went) - 4):
        assert sum(went[first : first + 4]) <= at_once + limit / 60 * FASTER + 1
    assert sum(went) >= 2 * limit, "the limit, and not this, is what holds a campaign"


@given(LIMITS, st.floats(min_value=60, max_value=10_000))
def test_a_rest_saves_up_no_more_than_a_few_seconds(limit: int, rest_s: float) -> None:
    spread, tenant = Spread(), new_id()
    spread.took(tenant, spread.room(tenant, limit, 0.0))
    assert spread.room(tenant, limit, rest_s) <= max(limit / 60 * FASTER * AT_ONCE_S, LEAST)


@given(LIMITS)
def test_after_the_wait_there_is_room(limit: int) -> None:
    spread, tenant = Spread(), new_id()
    spread.took(tenant, spread.room(tenant, limit, 0.0))
    if not spread.room(tenant, limit, 0.0):
        assert spread.room(tenant, limit, spread.wait_s(tenant, limit) + 0.001) >= LEAST
