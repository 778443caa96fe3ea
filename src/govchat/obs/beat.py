"""Heartbeats: each process tells every few seconds, in Redis, that it lives, and leaves its metrics there for the API to show.

A process takes the first free place of its kind (`worker-1`, `worker-2`, …), so that counters go on over a restart.
"""

import asyncio
import contextlib
import secrets
import time

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from govchat.obs import metrics
from govchat.obs.snapshots import snapshot

EVERY_S = 5.0
LEASE_S = 15
# A process not heard of for this long is no longer shown; a place's counters are kept this long.
FORGET_S = 600
MOST_PLACES = 64
PARTS = "govchat:parts"
AWAY = (RedisError, OSError, TimeoutError)


class Heard(msgspec.Struct, frozen=True):
    """A process that was heard of, and when."""

    part: str
    kind: str
    age_s: float


class Beat:
    """The heartbeat of one process."""

    def __init__(self, redis: "Redis", kind: str) -> None:
        self._redis = redis
        self._kind = kind
        self._token = secrets.token_hex(8)
        self._part = ""
        self._carried = b""

    async def run(self) -> None:
        """Beat until cancelled; a Redis that is away is tried again."""
        while True:
            with contextlib.suppress(*AWAY):
                if not self._part:
                    await self._take_place()
                await self._beat()
            await asyncio.sleep(EVERY_S)

    async def leave(self) -> None:
        """An orderly end: the place is free at once and nobody is missed."""
        if self._part:
            with contextlib.suppress(*AWAY):
                await self._beat()
                await self._redis.zrem(PARTS, self._part)
                await self._redis.delete(_lease(self._part))

    async def _take_place(self) -> None:
        for number in range(1, MOST_PLACES + 1):
            part = f"{self._kind}-{number}"
            if await self._redis.set(_lease(part), self._token, nx=True, ex=LEASE_S):
                self._part = part
                self._carried = await self._redis.get(_metrics(part)) or b""
                return

    async def _beat(self) -> None:
        if not self._part:
            return
        packed = snapshot(metrics.REGISTRY, self._part, self._carried)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.set(_lease(self._part), self._token, ex=LEASE_S)
            pipe.set(_metrics(self._part), packed, ex=FORGET_S)
            pipe.zadd(PARTS, {self._part: time.time()})
            pipe.zremrangebyscore(PARTS, 0, time.time() - FORGET_S)
            await pipe.execute()


async def heard(redis: "Redis") -> list[Heard]:
    """Every process heard of in the last ten minutes. Raises what Redis raises."""
    now = time.time()
    found = await redis.zrange(PARTS, 0, -1, withscores=True)
    return [
        Heard(part.decode(), part.decode().rpartition("-")[0], max(0.0, now - score))
        for part, score in found
        if now - score < FORGET_S
    ]


async def snapshots(redis: "Redis", parts: list[Heard]) -> list[bytes]:
    """The metrics that those processes left."""
    if not parts:
        return []
    found = await redis.mget([_metrics(one.part) for one in parts])
    return [packed for packed in found if packed]


def _lease(part: str) -> str:
    return f"govchat:place:{part}"


def _metrics(part: str) -> str:
    return f"govchat:metrics:{part}"
