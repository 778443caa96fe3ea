"""Looking at many places in turns: those where something stirred at every look, each of the others at least every so often.

A look costs the database a few index probes for each place. With few places all of them are looked at each time; with a thousand,
nearly all are still, and are seen again within `every_s`. A process that has just started knows of nothing: it looks at all of them.
"""

import time
from collections.abc import Collection
from uuid import UUID

# So many places are looked at each time.
FEW = 100
# A place where something stirred is looked at each time for so long, unless whoever looks says otherwise.
STIRRED_S = 60.0


class Turns:
    """Whose turn it is, in one process; `stir` says where something was found or is known to have come."""

    def __init__(self, *, every_s: float, few: int = FEW, stirred_s: float = STIRRED_S) -> None:
        self._every_s = every_s
        self._stirred_s = stirred_s
        self._few = few
        self._stirred: dict[UUID, float] = {}
        self._waiting: list[UUID] = []
        self._looked: float | None = None

    def stir(self, *places: UUID) -> None:
        """Look at these each time for a while."""
        until = time.monotonic() + self._stirred_s
        self._stirred.update(dict.fromkeys(places, until))

    def next(self, places: Collection[UUID]) -> list[UUID]:
        """The places to look at now, of all there are: as many of the still ones as have to be seen by now for none to wait longer."""
        now = time.monotonic()
        before, self._looked = self._looked, now
        if len(places) <= self._few or before is None:
            return list(places)
        self._stirred = {place: until for place, until in self._stirred.items() if until > now}
        lively = [place for place in self._stirred if place in places]
        wanted = min(len(places), int(len(places) * (now - before) / self._every_s) + 1)
        if len(self._waiting) < wanted:
            self._waiting += places
        still, self._waiting = self._waiting[:wanted], self._waiting[wanted:]
        return list(dict.fromkeys((*lively, *(place for place in still if place in places))))
