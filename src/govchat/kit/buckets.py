"""Rates counted in Redis, all that apply in one atomic step; a slow local count when Redis is away.

A `Window` is a limit per 60 seconds. Grants are counted on the Redis server's clock and leave the window 61 seconds later at the
earliest: what is over a minute covers the way from the grant to Zalo. Losing Redis can only make us slower, never faster.
"""

import time
from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

SLOT_MS = 250
SLOTS = 244
# Without Redis each process keeps to this share: ten processes together still stay under the limit.
LOCAL_SHARE = 10
SCRIPT = (Path(__file__).parent / "buckets.lua").read_text()


# ARGV: how long to rest and how long to keep the key, milliseconds.
REST = """
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'blocked', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.max(ARGV[1], ARGV[2]))
"""


class Window(msgspec.Struct, frozen=True):
    """One limit: `name` is its key, `limit` requests in any 60 s, of which `reserve` are kept for replies."""

    name: str
    limit: int
    reserve: int = 0


class Grant(msgspec.Struct, frozen=True):
    """How many may go now, how many of those need not be replies, and how long to wait when none may."""

    granted: int
    open: int
    wait_s: float


def reserve_for(limit: int) -> int:
    """What campaigns and notices may not touch: 1 % of the limit, at least five requests."""
    return max(5, limit // 100)


class Request(msgspec.Struct, frozen=True):
    """`want` requests that count against all of `windows`; below zero gives back what was not used."""

    windows: Sequence[Window]
    want: int


class _Taken:
    """How much this process took from one window within its last 61 seconds."""

    def __init__(self) -> None:
        self._slots: deque[tuple[float, int]] = deque()
        self._total = 0

    def add(self, count: int) -> None:
        self._slots.append((time.monotonic(), count))
        self._total += count

    def recent(self) -> int:
        edge = time.monotonic() - SLOT_MS * SLOTS / 1000
        while self._slots and self._slots[0][0] < edge:
            self._total -= self._slots.popleft()[1]
        return max(0, self._total)


class Buckets:
    """The windows of one process."""

    def __init__(self, redis: "Redis", prefix: str = "govchat:rate:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._take = redis.register_script(SCRIPT)
        self._rest = redis.register_script(REST)
        self._local: dict[str, _Taken] = defaultdict(_Taken)

    async def take(self, windows: Sequence[Window], want: int) -> Grant:
        """Up to `want` requests from every window at once."""
        return (await self.take_all([Request(windows, want)]))[0]

    async def take_all(self, requests: Sequence[Request]) -> list[Grant]:
        """Serve many requests in one step, in their order; what is given back is best effort and never waited for."""
        try:
            grants = await self._call(requests)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("buckets.redis_away", error=type(error).__name__)
            return [self._take_local(one.windows, one.want) for one in requests]
        for one, grant in zip(requests, grants, strict=True):
            self._remember(one.windows, grant.granted)
        return grants

    async def give_back(self, windows: Sequence[Window], count: int) -> None:
        """Return grants that were not used. Best effort: what is not returned only makes us slower."""
        if count > 0:
            await self.take_all([Request(windows, -count)])

    async def push_back(self, window: Window, seconds: float) -> None:
        """Zalo said the limit is reached (-32): nothing more from this window for `seconds`."""
        try:
            await self._rest(keys=[self._prefix + window.name], args=[int(seconds * 1000), SLOT_MS * (SLOTS + 2)])
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("buckets.redis_away", error=type(error).__name__)

    async def _call(self, requests: Sequence[Request]) -> list[Grant]:
        windows = {window.name: window for one in requests for window in one.windows}
        number = {name: place for place, name in enumerate(windows, 1)}
        arguments: list[int] = [SLOT_MS, SLOTS]
        for window in windows.values():
            arguments += [window.limit, window.reserve, self._local[window.name].recent()]
        for one in requests:
            arguments += [one.want, len(one.windows), *(number[window.name] for window in one.windows)]
        answer = await self._take(keys=[self._prefix + name for name in windows], args=arguments)
        return [
            Grant(int(granted), int(open_), int(wait) / 1000)
            for granted, open_, wait in zip(answer[::3], answer[1::3], answer[2::3], strict=True)
        ]

    def _remember(self, windows: Sequence[Window], granted: int) -> None:
        if granted:
            for window in windows:
                self._local[window.name].add(granted)

    def _take_local(self, windows: Sequence[Window], want: int) -> Grant:
        if want < 0:
            return Grant(want, 0, 0.0)
        granted = want
        for window in windows:
            granted = min(granted, max(1, window.limit // LOCAL_SHARE) - self._local[window.name].recent())
        granted = max(0, granted)
        self._remember(windows, granted)
        return Grant(granted, granted, 0.0 if granted else 1.0)
