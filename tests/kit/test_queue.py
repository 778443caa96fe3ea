"""The bell: many rings become one look, none gets lost in the moment a look ends, and Redis away is no error."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from arq import func
from arq.worker import Worker
from redis.asyncio import Redis

from govchat.kit import queue as room
from govchat.kit.queue import (
    CONVERSE,
    QUEUE,
    RECEIPTS,
    SEND,
    Bell,
    arq_pool,
    await_knock,
    connect,
    decode_job,
    encode_job,
    flag,
    knocks,
)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def bell(redis: Redis, redis_url: str) -> AsyncIterator[Bell]:
    made = Bell(redis_url)
    yield made
    await made.close()


async def test_many_rings_for_many_tenants_are_one_job(bell: Bell, redis: Redis) -> None:
    tenants = [uuid4() for _ in range(5)]
    await asyncio.gather(*(bell.ring(CONVERSE, tenants[: number % 5 + 1]) for number in range(20)))
    assert await redis.zcard(QUEUE) == 1
    await bell.ring(SEND, tenants[:2])
    assert await redis.zcard(QUEUE) == 2
    assert sorted(await bell.take(CONVERSE)) == sorted(tenants)
    assert sorted(await bell.take(SEND)) == sorted(tenants[:2])
    assert await bell.take(CONVERSE) == []


async def test_campaigns_have_a_queue_of_their_own(bell: Bell, redis: Redis) -> None:
    interactive, campaign = uuid4(), uuid4()
    await bell.ring(SEND, [campaign], bulk=True)
    assert (await redis.zcard(room.BULK_QUEUE), await redis.zcard(QUEUE)) == (1, 0)
    await bell.ring(SEND, [interactive])
    assert (await redis.zcard(room.BULK_QUEUE), await redis.zcard(QUEUE)) == (1, 1)
    assert (await bell.take(SEND), await bell.take(SEND, bulk=True)) == ([interactive], [campaign])


async def test_names_may_be_left_without_a_job(bell: Bell, redis: Redis) -> None:
    tenant = uuid4()
    assert await bell.leave(RECEIPTS, [tenant])
    assert await redis.zcard(QUEUE) == 0
    assert await bell.take(RECEIPTS) == [tenant]


async def test_who_wrote_a_moment_ago_is_known_to_those_who_can_wait(bell: Bell, redis: Redis) -> None:
    assert not await bell.heard()
    await bell.ring(SEND, [uuid4()])
    assert not await bell.heard()
    await bell.ring(CONVERSE, [uuid4()])
    assert await bell.heard()
    assert 0 < await redis.pttl(room.HEARD) <= room.HEARD_MS, "and forgotten by itself"


async def test_a_job_is_plain_data(bell: Bell, redis: Redis) -> None:
    await bell.ring(CONVERSE, [uuid4()])
    (job,) = await redis.zrange(QUEUE, 0, -1)
    document = decode_job(await redis.get(b"arq:job:" + job))
    assert document["f"] == CONVERSE
    assert decode_job(encode_job({"a": 1})) == {"a": 1}


async def test_a_ring_in_the_moment_a_look_ends_is_heard(bell: Bell, redis: Redis, redis_url: str) -> None:
    """arq refuses a job of the same id while the first exists; the flag remembers the ring."""
    first, second = uuid4(), uuid4()
    looks: list[list[UUID]] = []

    async def look(_: dict[str, object]) -> None:
        looks.append(await bell.take(CONVERSE))
        if len(looks) == 1:  # after the names were taken, while arq still holds the job
            assert await bell.ring(CONVERSE, [second])

    async def after(_: dict[str, object]) -> None:
        await bell.ring_if_missed(CONVERSE)

    async def burst() -> None:
        pool = arq_pool(redis_url)
        worker = Worker(
            functions=[func(look, name=CONVERSE, keep_result=0, max_tries=1)],  # type: ignore[arg-type]
            queue_name=QUEUE, redis_pool=pool, after_job_end=after, handle_signals=False, poll_delay=0.01, burst=True,
            job_serializer=encode_job, job_deserializer=decode_job,
        )  # fmt: skip
        await worker.async_run()
        await pool.aclose(close_connection_pool=True)

    await bell.ring(CONVERSE, [first])
    await burst()
    await burst()  # where the first did not see it any more
    assert looks == [[first], [second]]
    assert await redis.zcard(QUEUE) == 0
    assert not await redis.exists(flag(CONVERSE))


async def test_a_worker_that_waits_hears_the_ring(bell: Bell, redis: Redis, redis_url: str) -> None:
    pool = arq_pool(redis_url)
    try:
        waiting = asyncio.create_task(await_knock(pool, QUEUE))
        await bell.ring(CONVERSE, [uuid4()])
        await waiting
        assert await redis.zcard(QUEUE) == 1
        await bell.ring(SEND, [uuid4()])
        await bell.ring(SEND, [uuid4()])
        assert await redis.llen(knocks(QUEUE)) == 1, "however many ring while nobody waits"
    finally:
        await pool.aclose(close_connection_pool=True)


async def test_without_redis_ringing_says_no_and_raises_nothing() -> None:
    away = Bell("redis://127.0.0.1:9/0")
    assert await away.ring(CONVERSE, [uuid4()]) is False
    assert await away.reachable() is False
    assert await away.take(CONVERSE) == []
    assert await away.leave(CONVERSE, [uuid4()]) is False
    await away.close()


async def test_a_ringer_that_died_before_the_job_was_made_blocks_nobody_for_long(bell: Bell, redis: Redis) -> None:
    tenant = uuid4()
    await redis.set(flag(CONVERSE), b"1", px=50)
    assert await bell.ring(CONVERSE, [tenant])
    assert await redis.zcard(QUEUE) == 0
    await asyncio.sleep(0.06)
    assert await bell.ring(CONVERSE, [tenant])
    assert await redis.zcard(QUEUE) == 1
    assert room.FLAG_MS <= 5_000
