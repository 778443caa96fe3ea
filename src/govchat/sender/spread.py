"""What campaigns of one province may send, spread over the minute: from its limit, to the drainer's looks.

Zalo counts by the minute, so a campaign that takes all it may at once sends two thousand messages in a few seconds, again every minute, and
whoever shares the machine waits meanwhile. A little faster than the limit allows is enough to use all of it.
"""

from uuid import UUID

# So many times as fast as the limit, and so many seconds' worth at once after a rest.
FASTER, AT_ONCE_S = 1.3, 3.0
# Fewer than this are not worth a claim.
LEAST = 4


class Spread:
    """Credit of each tenant; `limit` is a minute's, `now` seconds of any clock that only goes on."""

    def __init__(self) -> None:
        self._credit: dict[UUID, tuple[float, float]] = {}

    def room(self, tenant_id: UUID, limit: int, now: float) -> int:
        """How many may go now; 0 while it is too few for a claim."""
        rate = limit / 60 * FASTER
        most = max(rate * AT_ONCE_S, LEAST)
        at, credit = self._credit.get(tenant_id, (now, most))
        credit = min(most, credit + (now - at) * rate)
        self._credit[tenant_id] = (now, credit)
        return int(credit) if credit >= LEAST else 0

    def wait_s(self, tenant_id: UUID, limit: int) -> float:
        """How long until there is room, by what was last asked."""
        return max(0.0, (LEAST - self._credit[tenant_id][1]) / (limit / 60 * FASTER))

    def took(self, tenant_id: UUID, count: int) -> None:
        """So many go."""
        if tenant_id in self._credit:
            at, credit = self._credit[tenant_id]
            self._credit[tenant_id] = (at, credit - count)
