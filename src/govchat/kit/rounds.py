"""Looking at many places in rounds: what was asked for while a round was under way is looked at in the next one.

A place is never in two rounds at once. Under light load a round holds one place and begins at once; under heavy load it holds many.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

import structlog

log = structlog.get_logger()


class Rounds:
    """Rounds of at most `most` places, at most `parallel` at once, begun at least `apart_s` after each other.

    `look` gets the places of a round and answers those to look at again; what it raises is logged as `<name>_failed`, and its places
    are left to whoever asks next.
    """

    def __init__(
        self,
        look: Callable[[list[UUID]], Awaitable[Iterable[UUID] | None]],
        *,
        name: str,
        most: int = 64,
        parallel: int = 2,
        apart_s: float = 0.0,
    ) -> None:
        self._look = look
        self._name = name
        self._most = most
        self._parallel = parallel
        self._apart_s = apart_s
        self._asked: dict[UUID, None] = {}
        self._under_way: set[UUID] = set()
        self._running: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._begun = 0.0
        self._closed = False

    def ask(self, *places: UUID) -> None:
        """Have these looked at, in the next round that they are not in already."""
        self._asked.update(dict.fromkeys(places))
        self._wake()

    async def finish(self) -> None:
        """Begin no more rounds; wait for those under way."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _wake(self) -> None:
        if self._closed or self._timer is not None or len(self._running) >= self._parallel:
            return
        if any(place not in self._under_way for place in self._asked):
            self._timer = asyncio.get_running_loop().call_at(self._begun + self._apart_s, self._begin)

    def _begin(self) -> None:
        self._timer = None
        free = [place for place in self._asked if place not in self._under_way][: self._most]
        if not free:
            return
        self._begun = asyncio.get_running_loop().time()
        for place in free:
            del self._asked[place]
        self._under_way.update(free)
        task = asyncio.create_task(self._round(free))
        self._running.add(task)
        task.add_done_callback(self._ended)
        self._wake()

    async def _round(self, places: list[UUID]) -> None:
        try:
            again = await self._look(places)
        except Exception as error:
            log.warning(f"{self._name}_failed", error=type(error).__name__, exc_info=error)
            again = None
        finally:
            self._under_way.difference_update(places)
        self._asked.update(dict.fromkeys(again or ()))

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        self._wake()
