"""What is done every so often is done for everybody, whoever of them gives trouble."""

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from redis.asyncio import Redis

from govchat import chores
from govchat.errors import DomainError
from govchat.kit.ids import new_id


async def test_one_provinces_trouble_is_not_the_others() -> None:
    tenants = {new_id(): SimpleNamespace(slug=f"province-{number}") for number in range(3)}
    registry = cast("Any", SimpleNamespace(now=SimpleNamespace(tenants=tenants)))
    first, *others = tenants
    done: list[UUID] = []

    async def act(tenant_id: UUID) -> None:
        if tenant_id == first:
            raise DomainError("its key is gone")
        done.append(tenant_id)

    await chores._each(registry, act)
    assert done == others
    await chores._each(registry, act, [others[1], first, others[0]])
    assert done[2:] == [others[1], others[0]]


async def test_a_chore_that_failed_is_done_again_in_the_next_period(redis_url: str) -> None:
    tries: list[int] = []
    again = asyncio.Event()

    async def act() -> None:
        tries.append(len(tries))
        if len(tries) == 1:
            raise RuntimeError("the first time everything is away")
        again.set()

    async with Redis.from_url(redis_url) as redis:
        working = asyncio.create_task(chores.run(redis, [chores.Chore("fails-once", 0.05, act)]))
        await asyncio.wait_for(again.wait(), 30)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    assert len(tries) >= 2


async def test_a_shared_chore_is_done_by_one_worker_in_a_period_and_by_each_without_redis(redis_url: str) -> None:
    async def act() -> None:
        """Nothing."""

    chore = chores.Chore(f"shared-{new_id()}", chores.HOUR, act)
    async with Redis.from_url(redis_url) as one, Redis.from_url(redis_url) as other:
        assert [await chores._ours(redis, chore) for redis in (one, other, one)] == [True, False, False]
    async with Redis.from_url("redis://127.0.0.1:1") as nowhere:
        assert [await chores._ours(nowhere, chore) for _ in range(2)] == [True, True]
