"""Rates counted in Redis, all that apply in one atomic step; by a ledger that outlives Redis when Redis is away.

A `Window` is a limit per 60 seconds. Grants are counted on the Redis server's clock and leave the window 60.75 seconds later at the
earliest: what is over a minute covers the way from the grant to Zalo. Before a process uses what Redis grants, it has promised the ledger
how much it takes at most; so a Redis that comes back empty begins with what may have been taken, whoever took it. Losing Redis can only
make us slower, never faster (docs/adr/0007).
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from govchat.kit.gather import Gather
from govchat.kit.ids import new_id
from govchat.kit.windows import CREDIT_S, PACED_SLOTS, SLOT_MS, SLOTS, Window, reserve_for

log = structlog.get_logger()

# A promise holds this long; whoever takes something after that promises anew. The least that is promised holds longer: it takes little from
# those who have to do without Redis, and where a thousand accounts say a word now and then, nearly every message would make one.
PROMISE_S, LEAST_PROMISE_S = 30.0, 120.0
# The least that is promised, as a share of the limit.
LEAST_SHARE = 20
# A Redis that is away is asked again this often, in the background: nobody waits for its time-outs meanwhile.
PROBE_S = 0.5
# A limit that Zalo has named holds this long after it was last named.
TOLD_S = 600.0
# Nothing was granted by the ledger: ask again then.
LEDGER_WAIT_S = 1.0
AWAY = (RedisError, OSError, TimeoutError)
SCRIPT = (Path(__file__).parent / "buckets.lua").read_text()


# ARGV: how long to rest and how long to keep the key, milliseconds.
REST = """
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'blocked', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.max(ARGV[1], ARGV[2]))
"""


class Grant(msgspec.Struct, frozen=True):
    """How many may go now, how many of those need not be replies, how long to wait when none may.

    `at` is the loop's time of asking; `slot` tells where what is given back belongs: of Redis, or below zero of the ledger.
    """

    granted: int
    open: int
    wait_s: float
    at: float = 0.0
    slot: int = 0


NOTHING = Grant(0, 0, LEDGER_WAIT_S)


class Request(msgspec.Struct, frozen=True):
    """`want` requests that count against all of `windows`; below zero gives back what was granted in `slot` and not used.

    Whoever comes `first` may draw on reserves, gets before all others what it asked for in vain a moment ago, and keeps to no pace.
    """

    windows: Sequence[Window]
    want: int
    slot: int = 0
    first: bool = True


class Ledger(Protocol):
    """What outlives Redis. Each raises one of `away`; `window_s` is how long a grant counts."""

    away: tuple[type[Exception], ...]

    async def promise(
        self, holder: UUID, wanted: Sequence[tuple[Window, int]], *, lasts_s: float, window_s: float
    ) -> list[int]:
        """From now on and for `lasts_s` this holder takes no more than so many from each window in any `window_s`; answers what it may."""

    async def bounds(self, names: Sequence[str], *, window_s: float) -> list[int]:
        """The most that can have been taken from each window within the last `window_s`, by everybody."""

    async def take(self, requests: Sequence[Request], *, window_s: float) -> tuple[int, list[tuple[int, int]]]:
        """The ledger's slot; granted, and granted outside the reserve, for each request: what nobody can be taking from Redis."""


class _Taken:
    """How much this process took from Redis for one window lately, and what it has promised not to pass."""

    __slots__ = ("_slots", "_total", "ceiling", "until")

    def __init__(self) -> None:
        self._slots: deque[tuple[float, int, int]] = deque()  # when, how many, in which slot of Redis
        self._total = 0
        self.ceiling = 0
        self.until = 0.0

    def add(self, count: int, slot: int) -> None:
        self._slots.append((time.monotonic(), count, slot))
        self._total += count

    def back(self, count: int, slot: int) -> None:
        """`count` of what Redis granted in that slot was not used: it was never taken."""
        for place in range(len(self._slots) - 1, -1, -1):
            at, taken, of = self._slots[place]
            if of < slot or count <= 0:
                return
            if of == slot:
                returned = min(taken, count)
                self._slots[place] = (at, taken - returned, of)
                self._total -= returned
                count -= returned

    def recent(self) -> int:
        edge = time.monotonic() - SLOT_MS * SLOTS / 1000
        while self._slots and self._slots[0][0] < edge:
            self._total -= self._slots.popleft()[1]
        return max(0, self._total)


class Buckets:
    """The windows of one process. Without a ledger nothing is granted while Redis is away, and only this process' own past is known."""

    def __init__(self, redis: "Redis", ledger: Ledger | None = None, prefix: str = "govchat:rates:") -> None:
        self._redis = redis
        self._ledger = ledger
        self._prefix = prefix
        self._holder = new_id()
        self._take = redis.register_script(SCRIPT)
        self._rest = redis.register_script(REST)
        self._taken: dict[str, _Taken] = defaultdict(_Taken)
        # Single requests that come while another one is under way are served together: a round over many tenants takes one for each.
        self._singles = Gather(self.take_all, most=100, linger_s=0.0, enough=100, parallel=1)
        self._promising = asyncio.Lock()
        self._probe: asyncio.Task[None] | None = None
        # Windows that Zalo closed while Redis could not be told.
        self._closed_until: dict[str, float] = {}
        # Limits that Zalo named and that are lower than what was settled on, and until when they hold.
        self._told: dict[str, tuple[int, float]] = {}

    async def take(self, windows: Sequence[Window], want: int, *, first: bool = True) -> Grant:
        """Up to `want` requests from every window at once; `first` as in `Request`."""
        return await self._singles.put(Request(windows, want, first=first))

    async def take_all(self, requests: Sequence[Request]) -> list[Grant]:
        """Serve many requests in one step, in their order; what is given back is best effort."""
        at = asyncio.get_running_loop().time()
        if self._told:
            requests = [msgspec.structs.replace(one, windows=[*map(self._as_told, one.windows)]) for one in requests]
        for one in requests:
            if one.want < 0 and one.slot > 0:
                # Else what looks ask for and don't use would count as taken, and soon no promise would be wide enough.
                for window in one.windows:
                    self._taken[window.name].back(-one.want, one.slot)
        if self._probe is not None:
            return await self._by_ledger(requests, at)
        try:
            life, grants = await self._call(requests, {}, at)
            if self._ledger is not None and any(grant.wait_s < 0 for grant in grants):
                grants = await self._call_again(requests, grants, at, self._ledger)
        except AWAY as error:
            self._lost(error)
            return await self._by_ledger(requests, at)
        for one, grant in zip(requests, grants, strict=True):
            if grant.granted > 0:
                for window in one.windows:
                    self._taken[window.name].add(grant.granted, grant.slot)
        return await self._promised(requests, grants, life)

    async def give_back(self, windows: Sequence[Window], count: int, grant: Grant) -> None:
        """Return what of a grant was not used. Best effort: what Redis doesn't hear of only makes us slower."""
        if count > 0:
            await self.take_all([Request(windows, -count, grant.slot)])

    async def push_back(self, window: Window, seconds: float) -> None:
        """Zalo said the limit is reached (-32): nothing more from this window for `seconds`."""
        try:
            if self._probe is not None:
                raise TimeoutError("Redis is away")
            await self._rest(keys=[self._prefix + window.name], args=[int(seconds * 1000), SLOT_MS * (SLOTS + 2)])
        except AWAY as error:
            self._closed_until[window.name] = time.monotonic() + seconds
            if self._probe is None:
                self._lost(error)

    def told(self, window: Window, limit: int) -> None:
        """Zalo named this limit: where it is lower than the one that was settled on, it is kept from now on, as long as Zalo names it."""
        if 0 < limit < window.limit:
            if window.name not in self._told:
                log.warning("buckets.limit_is_lower", window=window.name, settled=window.limit, told=limit)
            self._told[window.name] = limit, time.monotonic() + TOLD_S
        elif self._told:
            self._told.pop(window.name, None)

    def _as_told(self, window: Window) -> Window:
        limit, until = self._told.get(window.name, (0, 0.0))
        if time.monotonic() > until:
            return window
        limit = min(limit, window.limit)
        return msgspec.structs.replace(window, limit=limit, reserve=min(reserve_for(limit), window.reserve))

    async def close(self) -> None:
        """Look for Redis no more."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)

    # --- Redis ---

    async def _call(self, requests: Sequence[Request], bounds: dict[str, int], at: float) -> tuple[int, list[Grant]]:
        """One step in Redis; answers since when it remembers, too."""
        windows = {window.name: window for one in requests for window in one.windows}
        number = {name: place for place, name in enumerate(windows, 1)}
        unknown = 0 if self._ledger is None else -1
        arguments: list[int] = [SLOT_MS, SLOTS, PACED_SLOTS, int(CREDIT_S * 1000)]
        for window in windows.values():
            seed, bound = self._taken[window.name].recent(), bounds.get(window.name, unknown)
            arguments += [
                window.limit - window.aside,
                window.reserve - window.aside,
                window.pace,
                window.each_us,
                window.handful,
            ]
            arguments += [seed, bound]
        for one in requests:
            # What the ledger granted is not given back to Redis.
            want = one.want if one.want > 0 or one.slot > 0 else 0
            arguments += [want, one.slot, int(one.first), len(one.windows)]
            arguments += [number[window.name] for window in one.windows]
        keys = [*(self._prefix + name for name in windows), self._prefix + "since"]
        slot, life, *answer = [int(number) for number in await self._take(keys=keys, args=arguments)]
        grants = zip(answer[::3], answer[1::3], answer[2::3], strict=True)
        return life, [Grant(granted, open_, wait / 1000, at, slot) for granted, open_, wait in grants]

    async def _call_again(
        self, requests: Sequence[Request], first: Sequence[Grant], at: float, ledger: Ledger
    ) -> list[Grant]:
        """Redis has forgotten windows: tell it how much may have been taken, for the requests that it could not judge."""
        left = [one for one, grant in zip(requests, first, strict=True) if grant.wait_s < 0]
        names = sorted({window.name for one in left for window in one.windows})
        try:
            known = dict(zip(names, await ledger.bounds(names, window_s=_window_s()), strict=True))
        except ledger.away as error:
            log.warning("buckets.ledger_away", error=type(error).__name__)
            return [NOTHING if grant.wait_s < 0 else grant for grant in first]
        log.info("buckets.redis_forgot", windows=len(names))
        again = iter((await self._call(left, known, at))[1])
        return [next(again) if grant.wait_s < 0 else grant for grant in first]

    async def _promised(self, requests: Sequence[Request], grants: list[Grant], life: int) -> list[Grant]:
        """The grants as far as they were promised: what is beyond a promise is not used, and lapses."""
        if self._ledger is None:
            return grants
        short = {
            window.name: window
            for one, grant in zip(requests, grants, strict=True)
            if grant.granted > 0
            for window in one.windows
            if not self._holds(window)
        }
        if short:
            await self._promise(short, self._ledger)
            if not await self._still(
                life
            ):  # whoever told the new life what may have been taken didn't know of this promise
                return [grant if grant.granted <= 0 else NOTHING for grant in grants]
        return [
            grant if grant.granted <= 0 or all(self._holds(window) for window in one.windows) else NOTHING
            for one, grant in zip(requests, grants, strict=True)
        ]

    async def _still(self, life: int) -> bool:
        """Whether Redis has remembered everything since then."""
        try:
            since = await self._redis.get(self._prefix + "since")
        except AWAY as error:
            self._lost(error)
            return False
        return since is not None and int(since) == life

    def _holds(self, window: Window) -> bool:
        taken = self._taken[window.name]
        return time.monotonic() < taken.until and taken.recent() <= taken.ceiling

    async def _promise(self, short: dict[str, Window], ledger: Ledger) -> None:
        """Promise what is taken now and twice as much, for those windows."""
        async with self._promising:
            windows = [window for window in short.values() if not self._holds(window)]
            if not windows:
                return
            least = [(one, max(one.limit // LEAST_SHARE, 1)) for one in windows]
            wanted = [(one, min(one.limit, max(2 * self._taken[one.name].recent(), few))) for one, few in least]
            lasts_s = LEAST_PROMISE_S if wanted == least else PROMISE_S
            until = time.monotonic() + lasts_s
            try:
                ceilings = await ledger.promise(self._holder, wanted, lasts_s=lasts_s, window_s=_window_s())
            except ledger.away as error:
                log.warning("buckets.ledger_away", error=type(error).__name__)
                return
            for window, ceiling in zip(windows, ceilings, strict=True):
                taken = self._taken[window.name]
                taken.ceiling, taken.until = ceiling, until

    # --- without Redis ---

    async def _by_ledger(self, requests: Sequence[Request], at: float) -> list[Grant]:
        now = time.monotonic()
        free = [
            one
            for one in requests
            if (one.want > 0 or one.slot < 0)
            and not any(self._closed_until.get(window.name, 0.0) > now for window in one.windows)
        ]
        if self._ledger is None or not free:
            return [NOTHING] * len(requests)
        try:
            slot, found = await self._ledger.take(free, window_s=_window_s())
        except self._ledger.away as error:
            log.warning("buckets.ledger_away", error=type(error).__name__)
            return [NOTHING] * len(requests)
        by_request = dict(zip(map(id, free), found, strict=True))
        grants = []
        for one in requests:
            granted, open_ = by_request.get(id(one), (0, 0))
            grants.append(Grant(granted, open_, 0.0, at, -slot) if granted > 0 else NOTHING)
        return grants

    def _lost(self, error: Exception) -> None:
        """Redis is away: the ledger serves until it answers again."""
        if self._probe is None:
            log.warning("buckets.redis_away", error=type(error).__name__)
            self._probe = asyncio.create_task(self._until_back())

    async def _until_back(self) -> None:
        while True:
            await asyncio.sleep(PROBE_S)
            try:
                await self._redis.ping()
            except (
                Exception
            ) as error:  # whatever it says, it does not answer: asked again for as long as the process lives
                log.debug("buckets.redis_still_away", error=type(error).__name__)
                continue
            self._probe = None
            log.info("buckets.redis_back")
            return


def _window_s() -> float:
    """How long a grant counts at most."""
    return SLOT_MS * SLOTS / 1000
