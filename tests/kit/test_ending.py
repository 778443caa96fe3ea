"""Tasks that are told to end do end, and are left alone while they tidy up."""

import asyncio
from contextlib import suppress

from govchat.kit.ending import end
from govchat.kit.queue import RECEIPTS, Bell


async def test_a_task_that_loses_a_cancellation_is_cancelled_again() -> None:
    lost = []

    async def loses_one() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        lost.append(1)
        await asyncio.sleep(60)

    task = asyncio.create_task(loses_one())
    await asyncio.sleep(0)
    await end([task], again_s=0.01)
    assert (lost, task.cancelled()) == ([1], True)


async def test_who_tidies_up_is_not_disturbed() -> None:
    tidied = []

    async def tidies() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            tidied.append(1)

    async def fails() -> None:
        raise ZeroDivisionError

    tasks = [asyncio.create_task(part()) for part in (tidies, fails)]
    await asyncio.sleep(0)
    await end(tasks)
    assert tidied == [1]
    assert isinstance(tasks[1].exception(), ZeroDivisionError)


async def test_whoever_asks_redis_for_ever_can_be_ended_at_any_moment(redis_url: str) -> None:
    bell = Bell(redis_url)

    async def for_ever() -> None:
        while True:
            await bell.take(RECEIPTS)

    try:
        for steps in range(40):
            task = asyncio.create_task(for_ever())
            for _ in range(steps):
                await asyncio.sleep(0)
            await end([task], again_s=0.01)
            assert task.cancelled()
    finally:
        await bell.close()
