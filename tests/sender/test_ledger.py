"""No window passes its limit in any minute, whatever becomes of the processes and of Redis: real PostgreSQL and Valkey, made-up time.

Processes take and give back, die and are replaced, lose Redis and find it again, and Redis forgets everything, in any order.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from sqlalchemy import make_url

from govchat.db.migrations.functions_0018 import DROP, FUNCTIONS
from govchat.db.session import Database
from govchat.kit import buckets as room
from govchat.kit.buckets import Buckets, Grant, Request
from govchat.kit.queue import connect
from govchat.kit.windows import Window
from govchat.sender.ledger import RateLedger
from govchat.settings import Settings

BEGAN = 1_795_000_000.0
PROCESSES = 3
# Two windows of which the second is shared by everybody, as an app's is.
LIMITS = ((40, 6), (60, 10))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(0, PROCESSES - 1), st.integers(1, 40)),
        st.tuples(st.just("give back"), st.integers(0, PROCESSES - 1), st.integers(1, 10)),
        st.tuples(st.just("wait"), st.just(0), st.sampled_from([1, 40, 260, 700, 5_000, 20_000, 31_000, 61_000])),
        st.tuples(st.just("die"), st.integers(0, PROCESSES - 1), st.just(0)),
        st.tuples(st.just("cut"), st.integers(0, PROCESSES - 1), st.just(0)),
        st.tuples(st.just("mend"), st.integers(0, PROCESSES - 1), st.just(0)),
        st.tuples(st.just("forget"), st.just(0), st.just(0)),
    ),
    max_size=30,
)


class Clock:
    """One time for the processes, Valkey and PostgreSQL."""

    def __init__(self) -> None:
        self.now = BEGAN

    def monotonic(self) -> float:
        return self.now


@dataclass
class Ground:
    """The stores, with their clocks in our hands."""

    redis: Redis
    db: Database
    clock: Clock
    prefix: str = ""
    windows: tuple[Window, ...] = ()
    used: list[tuple[float, int]] = field(default_factory=list)

    async def tell_time(self) -> None:
        await self.redis.set("test:now", int(self.clock.now * 1000))
        await self.db.call("SELECT set_config('test.now', to_timestamp($1::float8)::text, false)", self.clock.now)

    def process(self) -> Buckets:
        return Buckets(self.redis, RateLedger(self.db), self.prefix)

    async def forget(self) -> None:
        if keys := [key async for key in self.redis.scan_iter(f"{self.prefix}*")]:
            await self.redis.delete(*keys)

    def within_a_minute(self) -> int:
        return sum(count for at, count in self.used if at > self.clock.now - 60)


@pytest.fixture
async def ground(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ground]:
    """A database whose functions, a Valkey whose script and processes that ask the same made-up clock."""
    owner = await asyncpg.connect(
        make_url(own_settings.migration_database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    for function, statement in zip(DROP, FUNCTIONS, strict=True):
        await owner.execute(f"DROP FUNCTION {function}")
        await owner.execute(statement.replace("clock_timestamp()", "current_setting('test.now')::timestamptz"))
    await owner.close()
    asks = "local time = redis.call('TIME')\nlocal now_ms = time[1] * 1000 + math.floor(time[2] / 1000)"
    assert asks in room.SCRIPT
    monkeypatch.setattr(
        room, "SCRIPT", room.SCRIPT.replace(asks, "local now_ms = tonumber(redis.call('GET', 'test:now'))")
    )
    clock, redis = Clock(), connect(own_settings.redis_url)
    monkeypatch.setattr(room, "time", clock)
    db = Database.connect(own_settings.database_url, part="test", pool_size=1)
    yield Ground(redis, db, clock)
    await db.close()
    await redis.aclose()


def away(buckets: Buckets, *, cut: bool) -> None:
    """As after a time-out of Redis, or after it has answered again."""
    buckets._probe = asyncio.get_running_loop().create_future() if cut else None  # type: ignore[assignment]


TAKE_ALL = [("take", number, 40) for number in (0, 1, 2)]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps)
# Redis forgets while several share a window that is full; a process has died with what it took; one is cut off with the window full; one
# that used up what nobody had promised finds Redis again.
@example(steps=[*TAKE_ALL, ("forget", 0, 0), *reversed(TAKE_ALL)])
@example(steps=[*TAKE_ALL, ("die", 0, 0), ("die", 1, 0), ("forget", 0, 0), *TAKE_ALL])
@example(steps=[*TAKE_ALL, ("cut", 0, 0), ("wait", 0, 31_000), *TAKE_ALL, ("wait", 0, 40), *TAKE_ALL])
@example(steps=[("cut", 0, 0), *TAKE_ALL[:1], ("mend", 0, 0), *TAKE_ALL, ("wait", 0, 700), *TAKE_ALL])
async def test_no_minute_ever_holds_more_than_the_limit(ground: Ground, steps: list[tuple[str, int, int]]) -> None:
    ground.prefix = f"test:{secrets.token_hex(6)}:"
    ground.windows = tuple(Window(f"{ground.prefix}{number}", *limit) for number, limit in enumerate(LIMITS))
    ground.used, ground.clock.now = [], ground.clock.now + 1000
    await ground.tell_time()
    processes = [ground.process() for _ in range(PROCESSES)]
    last: list[Grant | None] = [None] * PROCESSES
    most = min(limit for limit, _ in LIMITS)
    for act, which, count in steps:
        match act:
            case "take":
                grant = await processes[which].take(ground.windows, count)
                assert 0 <= grant.open <= grant.granted <= count
                last[which] = grant
                ground.used.append((ground.clock.now, grant.granted))
                assert ground.within_a_minute() <= most, "more than the limit within a minute"
            case "give back" if (grant := last[which]) is not None and grant.granted:
                given = min(count, grant.granted)
                last[which] = None
                place = max(n for n, (_, taken) in enumerate(ground.used) if taken == grant.granted)
                at, taken = ground.used[place]
                ground.used[place] = (at, taken - given)
                await processes[which].give_back(ground.windows, given, grant)
            case "wait":
                ground.clock.now += count / 1000
                await ground.tell_time()
            case "die":
                processes[which], last[which] = ground.process(), None
            case "cut" | "mend":
                away(processes[which], cut=act == "cut")
            case "forget":
                await ground.forget()


async def test_a_process_without_redis_goes_on_beside_a_few_replies_and_waits_beside_a_broadcast(
    ground: Ground,
) -> None:
    ground.prefix = f"test:{secrets.token_hex(6)}:"
    await ground.tell_time()
    quiet, loud = (Window(f"{ground.prefix}{name}", 2000, 20) for name in ("quiet", "loud"))
    first, second = ground.process(), ground.process()
    assert (await first.take([quiet], 3)).granted == 3
    for _ in range(20):
        await first.take([loud], 128)
    away(second, cut=True)
    assert (await second.take([quiet], 200)).granted == 200
    assert (await second.take([loud], 20)).granted == 10, "what Redis never grants"
    ground.clock.now += 95
    await ground.tell_time()
    grant = await second.take([loud], 3000)
    assert (grant.granted, grant.open) == (2000, 1980), "nobody promised to take it from Redis"
    assert (await first.take([loud], 1)).granted == 0, "and nobody takes it from there now"


async def test_redis_that_forgot_begins_with_what_was_promised_and_trusts_itself_a_minute_later(ground: Ground) -> None:
    ground.prefix = f"test:{secrets.token_hex(6)}:"
    await ground.tell_time()
    used, fresh = (Window(f"{ground.prefix}{name}", 100) for name in ("used", "fresh"))
    one, other = ground.process(), ground.process()
    assert (await one.take([used], 30)).granted == 30
    await ground.forget()
    assert (await other.take([fresh], 100)).granted == 100, "nobody had taken anything there"
    assert (await other.take([used], 100)).granted == 40, "one process took 30 and had promised not to pass 60"
    ground.clock.now += 62
    await ground.tell_time()
    assert (await other.take([used], 100)).granted == 100


async def test_many_at_once_are_served_like_one_after_the_other(ground: Ground) -> None:
    ground.prefix = f"test:{secrets.token_hex(6)}:"
    await ground.tell_time()
    app = Window(f"{ground.prefix}app", 100, 10)
    oas = [Window(f"{ground.prefix}oa{number}", 30, 5) for number in range(5)]
    alone = ground.process()
    away(alone, cut=True)
    grants = await alone.take_all([Request((app, oa), 40) for oa in oas])
    assert [grant.granted for grant in grants] == [30, 30, 30, 10, 0]
    assert [grant.open for grant in grants] == [25, 25, 25, 0, 0]
    await alone.give_back((app, oas[0]), 12, grants[0])
    assert (await alone.take((app, oas[4]), 40)).granted == 12


async def test_what_is_asked_for_and_given_back_keeps_nobody_waiting(ground: Ground) -> None:
    """A look asks for more than it finds: what it gives back was never taken, however often."""
    ground.prefix, limit = f"test:{secrets.token_hex(6)}:", 200
    windows = (Window(f"{ground.prefix}one", limit, 10),)
    await ground.tell_time()
    process, used = ground.process(), 0
    for look in range(60):
        grant = await process.take(windows, 40)
        assert grant.granted >= 3, f"look {look}: {used} of {limit} were used"
        unused = 3 - grant.granted
        if look % 2:
            await process.give_back(windows, -unused, grant)
        else:
            await process.take_all([Request(windows, unused, grant.slot)])
        used += 3
        ground.clock.now += 0.3
        await ground.tell_time()
    assert used == 180
