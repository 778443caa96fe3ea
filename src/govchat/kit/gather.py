"""Gathering what many callers bring at once into small batches: the cost of a commit is shared, a lone caller waits for nobody.

A caller gets its own result once its batch has been handed over; nothing is kept in memory that has been answered.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Gather(Generic[T, R]):
    """Batches of at most `most`, begun at least `linger_s` apart, at most `parallel` under way.

    `hand_over` gets a batch and answers one result for each item, in order; what it raises, every caller of the batch gets.
    """

    def __init__(
        self, hand_over: Callable[[list[T]], Awaitable[Sequence[R]]], *, most: int, linger_s: float, parallel: int
    ) -> None:
        self._hand_over = hand_over
        self._most = most
        self._linger_s = linger_s
        self._parallel = parallel
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._running: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._begun = 0.0

    @property
    def waiting(self) -> int:
        """How many items no batch has taken yet."""
        return len(self._waiting)

    async def put(self, item: T) -> R:
        """The item's result, once its batch has been handed over."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._wake()
        return await future

    async def finish(self) -> None:
        """Wait until nothing is waiting or under way."""
        while self._waiting or self._running:
            if self._running:
                await asyncio.wait(self._running)
            else:
                await asyncio.sleep(self._linger_s)

    def _wake(self) -> None:
        """Begin the next batch: at once when none was begun lately, else when the linger is over."""
        if self._waiting and self._timer is None and len(self._running) < self._parallel:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._begun + self._linger_s, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._begun = asyncio.get_running_loop().time()
        batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        task = asyncio.create_task(self._run(batch))
        self._running.add(task)
        task.add_done_callback(self._ended)
        self._wake()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._wake()

    async def _run(self, batch: "list[tuple[T, asyncio.Future[R]]]") -> None:
        try:
            results = await self._hand_over([item for item, _ in batch])
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
