"""Rates counted in Redis, all that apply in one atomic step; a slow local count when Redis is away.

A `Window` is a limit per 60 seconds. Grants are counted on the Redis server's clock and leave the window 61 seconds later at the
earliest: the second covers the way from the grant to Zalo. Losing Redis can only make us slower, never faster.
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

SLOT_MS = 500
SLOTS = 123
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
    """What campaigns and notices may not touch: 2 % of the limit, at least five requests."""
    return max(5, limit // 50)


class Buckets:
    """The windows of one process."""

    def __init__(self, redis: "Redis", prefix: str = "govchat:rate:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._take = redis.register_script(SCRIPT)
        self._rest = redis.register_script(REST)
        self._local: dict[str, deque[float]] = defaultdict(deque)

    async def take(self, windows: Sequence[Window], want: int) -> Grant:
        """Up to `want` requests from every window at once."""
        try:
            granted, open_, wait_ms = await self._call(windows, want)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("buckets.redis_away", error=type(error).__name__)
            return self._take_local(windows, want)
        self._remember(windows, granted)
        return Grant(granted, open_, wait_ms / 1000)

    async def give_back(self, windows: Sequence[Window], count: int) -> None:
        """Return grants that were not used. Best effort: what is not returned only makes us slower."""
        if count <= 0:
            return
        try:
            await self._call(windows, -count)
        except (RedisError, OSError, TimeoutError):
            return
        for window in windows:
            taken = self._local[window.name]
            for _ in range(min(count, len(taken))):
                taken.pop()

    async def push_back(self, window: Window, seconds: float) -> None:
        """Zalo said the limit is reached (-32): nothing more from this window for `seconds`."""
        try:
            await self._rest(keys=[self._prefix + window.name], args=[int(seconds * 1000), SLOT_MS * (SLOTS + 2)])
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("buckets.redis_away", error=type(error).__name__)

    async def _call(self, windows: Sequence[Window], want: int) -> tuple[int, int, int]:
        arguments: list[int] = [want, SLOT_MS, SLOTS]
        for window in windows:
            arguments += [window.limit, window.reserve, len(self._recent(window.name))]
        granted, open_, wait = await self._take(keys=[self._prefix + window.name for window in windows], args=arguments)
        return int(granted), int(open_), int(wait)

    def _recent(self, name: str) -> deque[float]:
        """This process's own grants of the last window."""
        taken = self._local[name]
        edge = time.monotonic() - SLOT_MS * SLOTS / 1000
        while taken and taken[0] < edge:
            taken.popleft()
        return taken

    def _remember(self, windows: Sequence[Window], granted: int) -> None:
        now = time.monotonic()
        for window in windows:
            self._local[window.name].extend([now] * granted)

    def _take_local(self, windows: Sequence[Window], want: int) -> Grant:
        granted = want
        for window in windows:
            granted = min(granted, max(1, window.limit // LOCAL_SHARE) - len(self._recent(window.name)))
        granted = max(0, granted)
        self._remember(windows, granted)
        return Grant(granted, granted, 0.0 if granted else 1.0)
