"""The bell: the one door to arq besides `worker.py`.

arq carries nudges ("somebody left a name"), never work: what must survive is a row. Whoever rings writes the tenants into a set and has
one job made for all of them; the job takes the set and looks at each. arq refuses a second job of the same id while the first exists,
also in the moment after it has taken the set; the `rung` flag closes that gap: whoever rings sets it, the job clears it as it takes
the set, and a job that ends while the flag stands is made again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec
import structlog
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

# The jobs of `worker.py`: work off inboxes, send outboxes. Receipts have no job: workers look for them every second.
CONVERSE = "converse"
SEND = "send"
RECEIPTS = "receipts"

QUEUE = "govchat:bell"
BULK_QUEUE = "govchat:bell:bulk"
# A ringer that died between flag and job leaves the flag; the sweep looks at every tenant anyway.
FLAG_MS = 5_000

# Plain data only: arq's default would pickle.
encode_job = msgspec.msgpack.Encoder(
    enc_hook=lambda value: value.timestamp() if isinstance(value, datetime) else str(value)
).encode


def decode_job(data: bytes) -> dict[str, object]:
    """arq's job document."""
    return msgspec.msgpack.decode(data, type=dict[str, object])


# A citizen who was heard of within this long may be waiting for an answer.
HEARD_MS = 1_000
HEARD = "govchat:heard"

# Names into the set; 1 when the flag was down, so that a job has to be made. The third key, where there is one, notes that citizens wait.
RING = f"""
if KEYS[3] then redis.call('SET', KEYS[3], '1', 'PX', {HEARD_MS}) end
redis.call('SADD', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1] * 12)
return redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) and 1 or 0
"""

# Flag down, names out.
TAKE = """
redis.call('DEL', KEYS[2])
local names = redis.call('SMEMBERS', KEYS[1])
redis.call('DEL', KEYS[1])
return names
"""


# One knock is enough for however many jobs.
KNOCK = "redis.call('LPUSH', KEYS[1], '1'); redis.call('LTRIM', KEYS[1], 0, 0)"
# So long a worker waits for a knock before it looks all the same: less than the time-out of its connection.
HEAR_S = 1


def connect(redis_url: str) -> "Redis":
    """A Redis client with short time-outs that reconnects by itself."""
    client: Redis = Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2, health_check_interval=30)
    return client


def arq_pool(redis_url: str) -> ArqRedis:
    """arq's client, with short time-outs and jobs as plain data."""
    pool = ConnectionPool.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2)
    return ArqRedis(pool, job_serializer=encode_job, job_deserializer=decode_job)


class Bell:
    """Rings for tenants; never raises: a lost ring costs a few seconds, until the sweep."""

    def __init__(self, redis_url: str) -> None:
        self._arq = arq_pool(redis_url)
        self._ring = self._arq.register_script(RING)
        self._take = self._arq.register_script(TAKE)
        self._knock = self._arq.register_script(KNOCK)
        self._soon: dict[str, set[UUID]] = defaultdict(set)
        self._ringing: asyncio.Task[None] | None = None

    def soon(self, job: str, *tenants: UUID) -> None:
        """Ring in the background: nobody waits for it, and whoever comes while a ring is under way shares the next one."""
        self._soon[job].update(tenants)
        if self._ringing is None:
            self._ringing = asyncio.create_task(self._ring_soon())

    async def _ring_soon(self) -> None:
        try:
            while self._soon:
                job, tenants = self._soon.popitem()
                await self.ring(job, tenants)
        finally:
            self._ringing = None

    async def ring(self, job: str, tenants: Iterable[UUID], *, bulk: bool = False) -> bool:
        """Have `job` look at each tenant soon. False when Redis is away."""
        try:
            if await self._leave(job, tenants, bulk=bulk):
                await self._enqueue(job, bulk=bulk)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("bell.redis_away", error=type(error).__name__)
            return False
        return True

    async def leave(self, job: str, tenants: Iterable[UUID]) -> bool:
        """Leave the names without ringing, for whoever looks by itself. False when Redis is away."""
        try:
            await self._leave(job, tenants, bulk=False)
        except (RedisError, OSError, TimeoutError):
            return False
        return True

    async def take(self, job: str, *, bulk: bool = False) -> list[UUID]:
        """The tenants that were left for `job` since the last time: rings from now on count anew. None when Redis is away."""
        try:
            names = await self._take(keys=[names_key(job, bulk=bulk), flag(job, bulk=bulk)])
        except (RedisError, OSError, TimeoutError):
            log.debug("bell.redis_away")
            return []
        return [UUID(name.decode()) for name in names]

    async def ring_if_missed(self, job: str, *, bulk: bool = False) -> None:
        """After a job has ended: make it again if somebody rang since it took the names."""
        if await self._arq.exists(flag(job, bulk=bulk)):
            await self._enqueue(job, bulk=bulk)

    async def _leave(self, job: str, tenants: Iterable[UUID], *, bulk: bool) -> bool:
        names = [str(tenant) for tenant in tenants]
        keys = [names_key(job, bulk=bulk), flag(job, bulk=bulk), *([HEARD] if job == CONVERSE else [])]
        return bool(names and await self._ring(keys=keys, args=[FLAG_MS, *names]))

    async def _enqueue(self, job: str, *, bulk: bool) -> None:
        name = f"{job}:bulk" if bulk else job  # arq's ids hold for all queues
        queue = BULK_QUEUE if bulk else QUEUE
        if await self._arq.enqueue_job(job, _job_id=name, _queue_name=queue) is not None:
            await self._knock(keys=[knocks(queue)])

    async def heard(self) -> bool:
        """Whether a citizen wrote within the last second, to any tenant; True when Redis can't tell."""
        try:
            return bool(await self._arq.exists(HEARD))
        except (RedisError, OSError, TimeoutError):
            return True

    async def reachable(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await self._arq.ping())
        except (RedisError, OSError, TimeoutError):
            return False

    async def close(self) -> None:
        """Ring what was asked for, close the connections."""
        if self._ringing is not None:
            await self._ringing
        await self._arq.aclose(close_connection_pool=True)


async def await_knock(pool: ArqRedis, queue: str) -> None:
    """Return as soon as a job is made for this queue, after `HEAR_S` at the latest. One of the workers that wait hears a knock."""
    await cast("Awaitable[object]", pool.blpop([knocks(queue)], timeout=HEAR_S))


def knocks(queue: str) -> str:
    """Where a worker of this queue waits."""
    return f"{queue}:knock"


def flag(job: str, *, bulk: bool = False) -> str:
    """The key that says somebody rang."""
    return f"govchat:rung:{job}{':bulk' if bulk else ''}"


def names_key(job: str, *, bulk: bool = False) -> str:
    """The set of tenants to look at."""
    return f"govchat:left:{job}{':bulk' if bulk else ''}"
