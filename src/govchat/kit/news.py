"""News for every process at once, over Redis: "what you hold in memory has changed, look again".

A word carries nothing and may get lost: whoever hears also looks every so often by itself, so that Redis being away costs seconds.
"""

import asyncio
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

log = structlog.get_logger()

# What provinces, their apps and their states are in memory; `tenants.registry` looks again.
REGISTRY = "govchat:news:registry"

_AWAY = (RedisError, OSError, TimeoutError)


async def tell(redis_url: str, topic: str) -> bool:
    """Have every process that hears `topic` look again. False when Redis is away or there is none: they look in a while."""
    if not redis_url:
        return False
    try:
        async with Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1) as redis:
            await redis.publish(topic, b"")
    except _AWAY as error:
        log.debug("news.redis_away", error=type(error).__name__)
        return False
    return True


class Ear:
    """Hears one topic for as long as the process lives, through a connection of its own."""

    def __init__(self, redis_url: str, topic: str) -> None:
        self._url = redis_url
        self._topic = topic
        self._redis: Redis | None = None
        self._heard: PubSub | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._let_go()

    async def within(self, seconds: float) -> None:
        """Come back as soon as there is news, at the latest after so many seconds. Never raises for Redis.

        Also comes back once the connection stands (again): what was told meanwhile went unheard.
        """
        ends = time.monotonic() + seconds
        if not self._url:
            await asyncio.sleep(seconds)
            return
        try:
            if self._heard is None:
                await self._attend()
                return
            await self._heard.get_message(ignore_subscribe_messages=True, timeout=seconds)
        except _AWAY as error:
            log.debug("news.redis_away", error=type(error).__name__)
            await self._let_go()
            await asyncio.sleep(max(0.0, min(ends - time.monotonic(), seconds)))

    async def _attend(self) -> None:
        self._redis = Redis.from_url(self._url, socket_connect_timeout=2, socket_keepalive=True)
        self._heard = self._redis.pubsub()
        await self._heard.subscribe(self._topic)
        await self._heard.get_message(timeout=2)  # Redis has it

    async def _let_go(self) -> None:
        heard, redis, self._heard, self._redis = self._heard, self._redis, None, None
        for one in (heard, redis):
            if one is not None:
                with suppress(*_AWAY):
                    await one.aclose()
