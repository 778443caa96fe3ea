"""Heartbeats: each process says every few seconds that it lives."""

import asyncio
import contextlib
import os
import time

from redis.asyncio import Redis
from redis.exceptions import RedisError

EVERY_S = 5.0


async def for_ever(redis: "Redis", part: str) -> None:
    """Beat until cancelled."""
    key = f"govchat:beat:{part}:{os.getpid()}"
    while True:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await redis.set(key, str(time.time()), ex=60)
        await asyncio.sleep(EVERY_S)
