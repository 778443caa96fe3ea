"""Never more than the limit in any window: against a model with made-up times, on a real Valkey with short slots, and without Redis."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from govchat.kit import buckets as room
from govchat.kit.buckets import Buckets, Window, reserve_for
from govchat.kit.queue import connect

# The script with its clock handed in: Valkey's own can't be moved.
AT = room.SCRIPT.replace(
    "local time = redis.call('TIME')\nlocal now_ms = time[1] * 1000 + math.floor(time[2] / 1000)",
    "local now_ms = tonumber(table.remove(ARGV))",
)
SLOT, SLOTS, PACED = 10, 8, 3


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


@dataclass
class Model:
    """Every grant with the slot it was made in, and what those who come first did not get, with the slot in which they asked."""

    limit: int
    reserve: int
    pace: int
    grants: list[int] = field(default_factory=list)
    unmet: tuple[int, int] = 0, 0

    def asked(self, now_ms: int) -> int:
        """What is kept for them."""
        count, at = self.unmet
        return count if now_ms // SLOT - at < PACED else 0

    def within(self, now_ms: int) -> int:
        return sum(at > now_ms // SLOT - SLOTS for at in self.grants)

    def stride(self, now_ms: int) -> int:
        """What its pace leaves to those who don't come first."""
        lately = sum(at > now_ms // SLOT - PACED for at in self.grants)
        return max(0, self.pace - lately) if self.pace else self.limit

    def most_in_any_window(self) -> int:
        """The highest count of grants less than (SLOTS - 1) slots apart, whatever the place within their slots."""
        return max((sum(at <= other < at + SLOTS for other in self.grants) for at in self.grants), default=0)


steps = st.lists(
    st.tuples(
        st.integers(0, 60),  # milliseconds that pass
        st.integers(-4, 6),  # taken, or given back
        st.booleans(),  # coming first, or behind
    ),
    max_size=40,
)


def test_the_clock_of_the_script_is_where_this_test_expects_it() -> None:
    assert "now_ms = tonumber(table.remove(ARGV))" in AT


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    limits=st.lists(st.tuples(st.integers(1, 8), st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=2),
    steps=steps,
)
async def test_no_window_ever_holds_more_than_its_limit(
    redis: Redis, limits: list[tuple[int, int, int]], steps: list[tuple[int, int, bool]]
) -> None:
    script = redis.register_script(AT)
    keys = [f"test:{secrets.token_hex(6)}" for _ in limits]
    models = [Model(*limit) for limit in limits]
    now = 1_795_000_000_000
    recent: list[int] = []
    for passed, want, first in steps:
        now += passed
        if want == 0:
            continue
        slot = random.choice(recent) if recent and want < 0 else 0
        arguments = [SLOT, SLOTS, PACED] + [value for limit in limits for value in (*limit, 0, 0)]
        arguments += [want, slot, int(first), len(limits), *range(1, len(limits) + 1)]
        here, _, granted, open_, wait = await script(keys=[*keys, "test:since"], args=[*arguments, now])
        assert here == now // SLOT
        recent.append(here)
        if want > 0:
            left = [model.limit - model.within(now) for model in models]
            spare = [
                max(0, room - model.reserve - (0 if first else model.asked(now)))
                for room, model in zip(left, models, strict=True)
            ]
            strides = [model.stride(now) for model in models]
            room = left if first else [min(pair) for pair in zip(spare, strides, strict=True)]
            assert granted == min(want, *room), "as many as fit into every window"
            assert open_ == min(granted, *spare), "the reserve and what others asked for first are left alone"
            assert (wait > 0) == (0 in (spare if first else room))
            assert wait <= SLOT * SLOTS
            for model, outside in zip(models, spare, strict=True):
                model.grants += [now // SLOT] * granted
                assert model.within(now) <= model.limit
                if first:
                    unmet = max(want if outside < want else 0, model.asked(now)) - open_
                    model.unmet = max(0, unmet), now // SLOT
        else:
            for model in models:
                for _ in range(min(-want, model.grants.count(slot)) if slot > now // SLOT - SLOTS else 0):
                    model.grants.remove(slot)
    for model in models:
        assert model.most_in_any_window() <= model.limit


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(limit=st.integers(1, 6), fill=st.integers(0, 6), later=st.integers(0, 200))
async def test_after_the_wait_there_is_room(redis: Redis, limit: int, fill: int, later: int) -> None:
    script, keys = redis.register_script(AT), [f"test:{secrets.token_hex(6)}", "test:since"]
    now = 1_795_000_000_000 + later
    window = [SLOT, SLOTS, PACED, limit, 0, 0, 0, 0]
    await script(keys=keys, args=[*window, max(1, fill), 0, 1, 1, 1, now - 13])
    _, _, granted, _, _ = await script(keys=keys, args=[*window, limit, 0, 1, 1, 1, now])
    _, _, refused, _, wait = await script(keys=keys, args=[*window, 1, 0, 1, 1, 1, now])
    assert granted == limit - min(limit, max(1, fill))
    assert refused == 0
    assert (await script(keys=keys, args=[*window, 1, 0, 1, 1, 1, now + wait - 1]))[2] == 0
    assert (await script(keys=keys, args=[*window, 1, 0, 1, 1, 1, now + wait]))[2] == 1


def fresh(limit: int, reserve: int = 0) -> Window:
    return Window(secrets.token_hex(6), limit, reserve)


async def test_twenty_takers_at_once_get_the_limit_and_not_one_more(redis: Redis) -> None:
    app, oas = fresh(100), [fresh(60), fresh(70)]
    takers = [Buckets(redis) for _ in range(4)]

    async def take(number: int) -> tuple[int, int]:
        got = 0
        for _ in range(12):
            grant = await takers[number % 4].take([app, oas[number % 2]], random.randint(1, 5))
            got += grant.granted
        return number % 2, got

    got = await asyncio.gather(*(take(number) for number in range(20)))
    by_oa = [sum(count for oa, count in got if oa == which) for which in (0, 1)]
    assert sum(by_oa) == 100
    assert by_oa[0] <= 60
    assert by_oa[1] <= 70


async def test_the_reserve_is_kept_for_replies(redis: Redis) -> None:
    buckets, window = Buckets(redis), fresh(20, reserve=5)
    grant = await buckets.take([window], 20)
    assert (grant.granted, grant.open) == (18, 15), "two of the reserve are left to processes without Redis"
    await buckets.give_back([window], 3, grant)
    grant = await buckets.take([window], 5)
    assert (grant.granted, grant.open) == (3, 0)
    assert [reserve_for(limit) for limit in (100, 2000, 4000)] == [5, 20, 40]


async def test_what_comes_first_gets_before_all_others_what_it_asked_for_in_vain(redis: Redis) -> None:
    buckets, window = Buckets(redis), fresh(30, reserve=4)
    campaign = await buckets.take([window], 30, first=False)
    assert (campaign.granted, campaign.open) == (26, 26)
    denied = await buckets.take([window], 1, first=False)
    assert denied.granted == 0
    assert denied.wait_s > 0, "the reserve is not its to have"
    notices = await buckets.take([window], 8)
    assert (notices.granted, notices.open) == (2, 0)
    assert notices.wait_s > 0, "until there may be more than the reserve"
    await buckets.give_back([window], 2, notices)
    await buckets.give_back([window], 12, campaign)
    assert (await buckets.take([window], 12, first=False)).granted == 4
    assert (await buckets.take([window], 8)).open == 8
    await buckets.give_back([window], 4, campaign)
    assert (await buckets.take([window], 4, first=False)).granted == 4, "nobody waits before it any more"


async def test_a_campaign_is_spread_over_the_minute_and_what_comes_first_is_not(redis: Redis) -> None:
    buckets = Buckets(redis)
    window = Window(secrets.token_hex(6), 2000, 20, paced=True)
    got = [await buckets.take([window], 30, first=False) for _ in range(3)]
    assert [grant.granted for grant in got] == [30, window.pace - 30, 0]
    assert window.pace == 37, "a second's share of 2,000 is 33"
    assert 0 < got[-1].wait_s <= room.SLOT_MS / 1000
    assert (await buckets.take([window], 100)).open == 100
    assert (await buckets.take([fresh(2000)], 500, first=False)).granted == 500, "not everything is paced"


@given(st.integers(1, 10_000))
def test_the_pace_leaves_all_of_a_minute_to_be_used(limit: int) -> None:
    pace = Window("any", limit, paced=True).pace
    assert pace * room.SLOTS / room.PACED_SLOTS >= limit
    assert pace <= max(1.15 * limit / 60 + 1, 1)


async def test_what_is_given_back_can_be_taken_again(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SLOT_MS", 60_000)  # one slot for the whole test
    buckets, window = Buckets(redis), fresh(10)
    taken = await buckets.take([window], 10)
    assert taken.granted == 10
    await buckets.give_back([window], 4, taken)
    await buckets.give_back([window], 0, taken)
    grant = await buckets.take([window], 10)
    assert grant.granted == 4
    denied = await buckets.take([window], 1)
    assert denied.granted == 0
    assert denied.wait_s > 0


async def test_after_minus_32_a_window_rests_and_its_neighbour_does_not(redis: Redis) -> None:
    buckets, resting, other = Buckets(redis), fresh(10), fresh(10)
    await buckets.push_back(resting, 0.3)
    denied = await buckets.take([resting, other], 1)
    assert denied.granted == 0
    assert 0 < denied.wait_s <= 0.3
    assert (await buckets.take([other], 1)).granted == 1
    await asyncio.sleep(denied.wait_s + 0.01)
    assert (await buckets.take([resting], 10)).granted == 10


async def test_a_long_rest_outlives_the_window(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    buckets, window = Buckets(redis), fresh(10)
    monkeypatch.setattr(room, "SLOT_MS", 1)
    monkeypatch.setattr(room, "SLOTS", 5)
    assert (await buckets.take([window], 1)).granted == 1
    await buckets.push_back(window, 30)
    for _ in range(3):
        assert (await buckets.take([window], 1)).granted == 0
        await asyncio.sleep(0.02)  # longer than the window is kept without a rest


async def test_a_window_that_redis_lost_is_filled_with_what_this_process_took(redis: Redis) -> None:
    buckets, window = Buckets(redis), fresh(30)
    assert (await buckets.take([window], 22)).granted == 22
    assert await redis.delete(f"govchat:rates:{window.name}") == 1
    assert (await buckets.take([window], 30)).granted == 8


async def test_alone_without_redis_nothing_is_granted_and_nobody_waits_for_time_outs() -> None:
    away = connect("redis://127.0.0.1:9/0")
    buckets, window = Buckets(away), fresh(100)
    try:
        grants = [await buckets.take([window], 4) for _ in range(3)]
        assert [grant.granted for grant in grants] == [0, 0, 0]
        assert grants[0].wait_s > 0
        await buckets.give_back([window], 3, grants[0])
        await buckets.push_back(window, 5)
    finally:
        await buckets.close()
        await away.aclose()


async def test_a_limit_that_zalo_names_is_kept_where_it_is_lower_than_ours(redis: Redis) -> None:
    buckets = Buckets(redis, prefix=f"test:{secrets.token_hex(6)}:")
    app, own = Window("app:1", 4000, reserve_for(4000)), Window("oa:1", 2000, reserve_for(2000))
    buckets.told(own, 2000)
    assert (await buckets.take([app, own], 60)).granted == 60
    buckets.told(own, 100)
    grant = await buckets.take([app, own], 60)
    assert (grant.granted, grant.open) == (100 - own_aside(100) - 60, 100 - reserve_for(100) - 60)
    assert (await buckets.take([app, own], 60)).granted == 0
    buckets.told(own, 2000)
    assert (await buckets.take([app, own], 60)).granted == 60, "the larger package is back"


def own_aside(limit: int) -> int:
    return Window("oa", limit, reserve_for(limit)).aside
