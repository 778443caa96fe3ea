"""The ledger of rates in PostgreSQL, which outlives Redis: what processes may be taking from it, and what is left for those without it.

Called a few times a minute by a process that has Redis, and for every round by one that has not (see `kit.buckets`).
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from govchat.db.away import ANY_FAILURE
from govchat.db.session import Database
from govchat.kit.buckets import Request
from govchat.kit.windows import Window

PROMISE = "SELECT rates_promise($1, $2, $3, $4, $5, $6, $7)"
BOUNDS = "SELECT rates_bounds($1, $2)"
TAKE = "SELECT rates_take($1, $2, $3, $4, $5, $6, $7, $8)"


class RateLedger:
    """`kit.buckets.Ledger` on the house's database."""

    away: tuple[type[Exception], ...] = ANY_FAILURE

    def __init__(self, db: Database) -> None:
        self._db = db

    async def promise(
        self, holder: UUID, wanted: Sequence[tuple[Window, int]], *, lasts_s: float, window_s: float
    ) -> list[int]:
        """See `Ledger.promise`; committed when it answers."""
        found = await self._db.call(
            PROMISE,
            holder,
            [window.name for window, _ in wanted],
            [window.limit for window, _ in wanted],
            [window.aside for window, _ in wanted],
            [count for _, count in wanted],
            timedelta(seconds=lasts_s),
            timedelta(seconds=window_s),
        )
        return list(found)

    async def bounds(self, names: Sequence[str], *, window_s: float) -> list[int]:
        """See `Ledger.bounds`."""
        return list(await self._db.call(BOUNDS, list(names), timedelta(seconds=window_s)))

    async def take(self, requests: Sequence[Request], *, window_s: float) -> tuple[int, list[tuple[int, int]]]:
        """See `Ledger.take`; committed when it answers."""
        windows = {window.name: window for one in requests for window in one.windows}
        place = {name: number for number, name in enumerate(windows, 1)}
        pairs = [(number, place[window.name]) for number, one in enumerate(requests, 1) for window in one.windows]
        slot, *found = await self._db.call(
            TAKE,
            list(windows),
            [window.limit for window in windows.values()],
            [window.reserve for window in windows.values()],
            [one.want for one in requests],
            [-one.slot for one in requests],
            [number for number, _ in pairs],
            [number for _, number in pairs],
            timedelta(seconds=window_s),
        )
        return int(slot), list(zip(found[::2], found[1::2], strict=True))
