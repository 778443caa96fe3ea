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
from govchat.kit import windows
from govchat.kit.buckets import Buckets
from govchat.kit.queue import connect
from govchat.kit.windows import Window, reserve_for

# The script with its clock handed in: Valkey's own can't be moved.
AT = room.SCRIPT.replace(
    "local time = redis.call('TIME')\nlocal now_ms = time[1] * 1000 + math.floor(time[2] / 1000)",
    "local now_ms = tonumber(table.remove(ARGV))",
)
SLOT, SLOTS, PACED, CREDIT = 10, 8, 3, 25


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
    each: int  # milliseconds
    handful: int
    due: int = 0
    came: int = 0
    grants: list[int] = field(default_factory=list)
    unmet: tuple[int, int] = 0, 0

    def asked(self, now_ms: int) -> int:
        """What is kept for them."""
        count, at = self.unmet
        return count if now_ms // SLOT - at < PACED else 0

    def within(self, now_ms: int) -> int:
        return sum(at > now_ms // SLOT - SLOTS for at in self.grants)

    def look(self, now_ms: int) -> None:
        """What was missed is caught up with for a while only; where nobody of those came lately, it begins with a handful."""
        credit = max(CREDIT, 2 * self.handful * self.each)
        if (now_ms // SLOT - self.came) * SLOT > 2 * credit:
            self.due = now_ms - self.handful * self.each
        self.due = max(now_ms - credit, self.due)

    def stride(self, now_ms: int, want: int) -> int:
        """What its pace leaves to those who don't come first."""
        if not self.each:
            return self.limit
        fallen_due = (now_ms - self.due) // self.each
        lately = sum(at > now_ms // SLOT - PACED for at in self.grants)
        return 0 if fallen_due < min(want, self.handful) else max(0, min(fallen_due, self.pace - lately))

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
    limits=st.lists(
        st.tuples(st.integers(1, 8), st.integers(0, 4), st.integers(1, 5), st.integers(0, 12), st.integers(1, 3)),
        min_size=1,
        max_size=2,
    ),
    steps=steps,
)
async def test_no_window_ever_holds_more_than_its_limit(
    redis: Redis, limits: list[tuple[int, int, int, int, int]], steps: list[tuple[int, int, bool]]
) -> None:
    script = redis.register_script(AT)
    keys = [f"test:{secrets.token_hex(6)}" for _ in limits]
    models = [Model(*limit) for limit in limits]
    now = 1_795_000_000_000
    looked = 0
    recent: list[int] = []
    for passed, want, first in steps:
        now += passed
        if want == 0:
            continue
        slot = random.choice(recent) if recent and want < 0 else 0
        for model in models:
            if now // SLOT - looked >= SLOTS:
                model.came = 0
            model.look(now)
        looked = now // SLOT
        arguments = [SLOT, SLOTS, PACED, CREDIT]
        for limit, reserve, pace, each, handful in limits:
            arguments += [limit, reserve, pace, each * 1000, handful, 0, 0]
        arguments += [want, slot, int(first), len(limits), *range(1, len(limits) + 1)]
        here, _, granted, open_, wait = await script(keys=[*keys, "test:since"], args=[*arguments, now])
        assert here == now // SLOT
        recent.append(here)
        for model in models if not first else ():
            model.came = here
        if want > 0:
            left = [model.limit - model.within(now) for model in models]
            spare = [
                max(0, room - model.reserve - (0 if first else model.asked(now)))
                for room, model in zip(left, models, strict=True)
            ]
            strides = [model.stride(now, min(want, has)) for model, has in zip(models, spare, strict=True)]
            room = left if first else [min(pair) for pair in zip(spare, strides, strict=True)]
            assert granted == min(want, *room), "as many as fit into every window"
            assert open_ == min(granted, *spare), "the reserve and what others asked for first are left alone"
            assert (wait > 0) == (0 in (spare if first else room))
            assert wait <= SLOT * SLOTS + 36, "no longer than a window, or than a handful takes"
            for model, outside in zip(models, spare, strict=True):
                model.grants += [now // SLOT] * granted
                model.due += 0 if first else granted * model.each
                assert model.within(now) <= model.limit
                if first:
                    unmet = max(want if outside < want else 0, model.asked(now)) - open_
                    model.unmet = max(0, unmet), now // SLOT
        else:
            for model in models:
                for _ in range(min(-want, model.grants.count(slot)) if slot > now // SLOT - SLOTS else 0):
                    model.grants.remove(slot)
                    model.due -= 0 if first else model.each
    for model in models:
        assert model.most_in_any_window() <= model.limit


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(limit=st.integers(1, 6), fill=st.integers(0, 6), later=st.integers(0, 200))
async def test_after_the_wait_there_is_room(redis: Redis, limit: int, fill: int, later: int) -> None:
    script, keys = redis.register_script(AT), [f"test:{secrets.token_hex(6)}", "test:since"]
    now = 1_795_000_000_000 + later
    window = [SLOT, SLOTS, PACED, CREDIT, limit, 0, 0, 0, 1, 0, 0]
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
    got = [await buckets.take([window], 30, first=False) for _ in range(2)]
    assert [grant.granted for grant in got] == [window.handful, 0]
    assert window.handful == 8, "a quarter of a second's share of 2,000"
    assert 0 < got[-1].wait_s <= windows.TOGETHER_S
    await asyncio.sleep(got[-1].wait_s)
    assert window.handful <= (await buckets.take([window], 30, first=False)).granted < 30
    assert (await buckets.take([window], 100)).open == 100
    assert (await buckets.take([fresh(2000)], 500, first=False)).granted == 500, "not everything is paced"


@given(st.integers(1, 10_000))
def test_the_pace_leaves_all_of_a_minute_to_be_used(limit: int) -> None:
    window = Window("any", limit, paced=True)
    assert windows.SLOT_MS * windows.SLOTS * 1000 / window.each_us >= limit
    assert window.pace * windows.SLOTS / windows.PACED_SLOTS >= limit
    assert window.pace <= max(1.55 * limit / 60 + 1, 1)
    assert 1 <= window.handful <= max(1, limit * windows.TOGETHER_S / 60 * 1.02)


@pytest.mark.parametrize("limit", [6, 100, 2000])
async def test_a_campaign_flows_evenly_uses_all_of_its_limit_and_catches_up(redis: Redis, limit: int) -> None:
    """Four made-up minutes of two processes that come when they are told to; for three seconds of the third both stand still."""
    script, window = redis.register_script(AT), Window("any", limit, limit // 100, paced=True)
    keys = [f"test:{secrets.token_hex(6)}", "test:since"]
    start = now = 1_795_000_000_000
    given_in: list[int] = []
    due = [start, start]
    arguments = [room.SLOT_MS, room.SLOTS, room.PACED_SLOTS, int(room.CREDIT_S * 1000)]
    arguments += [limit, limit // 100, window.pace, window.each_us, window.handful, 0, 0]
    while now < start + 240_000:
        mine = due.index(min(due))
        now = due[mine]
        if 150_000 <= now - start < 153_000:
            now = start + 153_000
        _, _, granted, _, wait = await script(keys=keys, args=[*arguments, 16, 0, 0, 1, 1, now])
        given_in += [now - start] * granted
        due[mine] = now + max(wait, 20)
    seconds = [sum(at // 1000 == second for at in given_in) for second in range(240)]
    share = (limit - limit // 100) / 60
    assert max(sum(seconds[at : at + 60]) for at in range(180)) <= limit - limit // 100
    assert sum(seconds[60:120]) >= 0.97 * limit, "what the window lets go is taken at once"
    assert max(seconds[:150]) <= share * 1.25 + window.handful, "no second has much more than its share"
    pairs = [seconds[at] + seconds[at + 1] for at in range(149)]
    assert min(pairs) >= share * 2 * 0.6 - window.handful, "and no two of them much less"
    assert max(seconds) <= window.pace + window.handful
    assert sum(seconds[150:180]) >= 0.97 * limit / 2, "what was missed is caught up with"


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
