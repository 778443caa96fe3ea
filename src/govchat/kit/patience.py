"""Waiting no longer than the caller can: Zalo hangs up after two seconds, a connection that fell silent may take minutes.

Cancelling such work is itself slow (the driver tries a polite good-bye first), so the work is left behind and ends by itself.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_left_behind: set["asyncio.Task[Any]"] = set()


async def within(seconds: float, work: Coroutine[Any, Any, T], *, give_up_s: float = 5.0) -> T:
    """The result of `work` when it comes within `seconds`, else `TimeoutError`; the work itself is cancelled after `give_up_s`."""
    task = asyncio.ensure_future(_bounded(work, give_up_s))
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if done:
        return task.result()
    _left_behind.add(task)
    task.add_done_callback(_forget)
    raise TimeoutError(f"no answer within {seconds:g} s")


async def _bounded(work: Coroutine[Any, Any, T], give_up_s: float) -> T:
    async with asyncio.timeout(give_up_s):
        return await work


def _forget(task: "asyncio.Task[Any]") -> None:
    _left_behind.discard(task)
    if not task.cancelled():
        task.exception()  # looked at: whoever asked has been told that it came to nothing in time
