"""The bell: the one door to arq besides `worker.py`.

arq carries nudges ("look at tenant X"), never work: what must survive is a row. A nudge is named for its tenant, so many of them
become one. arq refuses a second job of the same id while the first exists, also in the moment after its last look at the database;
the `rung` flag closes that gap: whoever rings sets it first, the job clears it before each look, and a job that ends while the flag
stands is rung again.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

# The jobs of `worker.py`: work off a tenant's inbox, send a tenant's outbox.
CONVERSE = "converse"
SEND = "send"

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


# Raise every flag that is down; answers the numbers of those, from 1.
RAISE_FLAGS = """
local fresh = {}
for number, key in ipairs(KEYS) do
  if redis.call('SET', key, '1', 'NX', 'PX', ARGV[1]) then fresh[#fresh + 1] = number end
end
return fresh
"""


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
        self._raise_flags = self._arq.register_script(RAISE_FLAGS)

    async def ring(self, job: str, tenants: Iterable[UUID], *, bulk: bool = False) -> bool:
        """Have `job` look at each tenant soon. False when Redis is away."""
        wanted = [str(tenant) for tenant in tenants]
        try:
            fresh = await self._raise_flags(keys=[flag(job, tenant) for tenant in wanted], args=[FLAG_MS])
            for number in fresh:
                await self._enqueue(job, wanted[number - 1], bulk=bulk)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("bell.redis_away", error=type(error).__name__)
            return False
        return True

    async def answered(self, job: str, tenant: UUID) -> None:
        """The job is about to look: rings from now on count anew."""
        try:
            await self._arq.delete(flag(job, str(tenant)))
        except (RedisError, OSError, TimeoutError):
            log.debug("bell.redis_away")

    async def ring_if_missed(self, job: str, tenant: str, *, bulk: bool = False) -> None:
        """After a job has ended: ring again if somebody rang since its last look."""
        if await self._arq.exists(flag(job, tenant)):
            await self._enqueue(job, tenant, bulk=bulk)

    async def _enqueue(self, job: str, tenant: str, *, bulk: bool) -> None:
        await self._arq.enqueue_job(job, tenant, _job_id=f"{job}:{tenant}", _queue_name=BULK_QUEUE if bulk else QUEUE)

    async def reachable(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await self._arq.ping())
        except (RedisError, OSError, TimeoutError):
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self._arq.aclose(close_connection_pool=True)


def flag(job: str, tenant: str) -> str:
    """The key that says somebody rang."""
    return f"govchat:rung:{job}:{tenant}"
