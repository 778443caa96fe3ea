"""Ending tasks that run for ever: from whoever stops a process or a part of it, to the tasks.

Before Python 3.12 `asyncio.wait_for` loses a cancellation that comes in the moment in which what it waits for is done, and redis-py sends
every command through it: a loop that was in that moment would go on for ever, and the process with it.
"""

import asyncio
from collections.abc import Iterable
from typing import Any


async def end(tasks: Iterable["asyncio.Task[Any]"], *, again_s: float = 1.0) -> None:
    """Cancel them and wait until they have ended; whoever has not after `again_s` is cancelled again. Raises nothing of theirs."""
    told = list(tasks)
    while left := [task for task in told if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=again_s)
    for task in told:
        if not task.cancelled():
            task.exception()  # looked at
