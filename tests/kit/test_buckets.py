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
SLOT, SLOTS = 10, 8


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


@dataclass
class Model:
    """Every grant with the slot it was made in."""

    limit: int
    grants: list[int] = field(default_factory=list)

    def within(self, now_ms: int) -> int:
        return sum(at > now_ms // SLOT - SLOTS for at in self.grants)

    def most_in_any_window(self) -> int:
        """The highest count of grants less than (SLOTS - 1) slots apart, whatever the place within their slots."""
        return max((sum(at <= other < at + SLOTS for other in self.grants) for at in self.grants), default=0)


steps = st.lists(
    st.tuples(
        st.integers(0, 60),  # milliseconds that pass
        st.integers(-4, 6),  # taken, or given back
    ),
    max_size=40,
)


def test_the_clock_of_the_script_is_where_this_test_expects_it() -> None:
    assert "now_ms = tonumber(table.remove(ARGV))" in AT


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(limits=st.lists(st.tuples(st.integers(1, 8), st.integers(0, 4)), min_size=1, max_size=2), steps=steps)
async def test_no_window_ever_holds_more_than_its_limit(
    redis: Redis, limits: list[tuple[int, int]], steps: list[tuple[int, int]]
) -> None:
    script = redis.register_script(AT)
    keys = [f"test:{secrets.token_hex(6)}" for _ in limits]
    models = [Model(limit) for limit, _ in limits]
    now = 1_795_000_000_000
    recent: list[int] = []
    for passed, want in steps:
        now += passed
        if want == 0:
            continue
        slot = random.choice(recent) if recent and want < 0 else 0
        arguments = [SLOT, SLOTS] + [value for limit, reserve in limits for value in (limit, reserve, 0, 0)]
        arguments += [want, slot, len(limits), *range(1, len(limits) + 1)]
        here, _, granted, open_, wait = await script(keys=[*keys, "test:since"], args=[*arguments, now])
        assert here == now // SLOT
        recent.append(here)
        if want > 0:
            room_left = [model.limit - model.within(now) for model in models]
            assert granted == max(0, min(want, *room_left)), "as many as fit into every window"
            spare = [left - reserve for left, (_, reserve) in zip(room_left, limits, strict=True)]
            assert open_ == max(0, min(granted, *spare)), "the reserve is left alone"
            assert (wait > 0) == (granted == 0)
            assert wait <= SLOT * SLOTS
            for model in models:
                model.grants += [now // SLOT] * granted
                assert model.within(now) <= model.limit
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
    window = [SLOT, SLOTS, limit, 0, 0, 0]
    await script(keys=keys, args=[*window, max(1, fill), 0, 1, 1, now - 13])
    _, _, granted, _, _ = await script(keys=keys, args=[*window, limit, 0, 1, 1, now])
    _, _, refused, _, wait = await script(keys=keys, args=[*window, 1, 0, 1, 1, now])
    assert granted == limit - min(limit, max(1, fill))
    assert refused == 0
    assert (await script(keys=keys, args=[*window, 1, 0, 1, 1, now + wait - 1]))[2] == 0
    assert (await script(keys=keys, args=[*window, 1, 0, 1, 1, now + wait]))[2] == 1


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
    assert await redis.delete(f"govchat:rate:{window.name}") == 1
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
