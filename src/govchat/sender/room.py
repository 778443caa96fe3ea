"""How many messages one process has on their way: of each province, of all of them together, and what looks under way may still claim."""

from collections import defaultdict
from uuid import UUID

# Messages of one province on their way at the same time; fewer while the process is busy with many.
SLOTS = 16
BUSY, SLOTS_WHEN_BUSY = 256, 4
MOST_AT_ONCE, LEAST_AT_ONCE = 512, 32
# A process that is too slow for what it holds would let tokens lapse, each of them a message less: it holds fewer at once, down by this
# share at most so often, and more again with every thousand messages that go in time.
FEWER, FEWER_AGAIN_S, MORE = 0.6, 0.5, 0.1
# A full process looks again at those it had no room for when it is down to this share.
ROOM_AGAIN = 0.75
# A claim of campaigns' messages costs as much to begin as to claim this many: while some of a province's are on their way, the next are
# claimed when there is room for so many. With more provinces than there is room for, each has its turn with all its slots.
HANDFUL = 8


class Room:
    """The room of one process; `bulk` when it sends campaigns."""

    def __init__(self, *, bulk: bool) -> None:
        self._bulk = bulk
        self._busy: dict[UUID, int] = defaultdict(int)
        self._under_way = 0
        self._asked_for = 0
        self._most = float(MOST_AT_ONCE)
        self._fewer_at = 0.0

    @property
    def left(self) -> int:
        """For how many more there is room, whoever's they are; below zero for a while after a process has been too slow."""
        return int(self._most) - self._under_way - self._asked_for

    @property
    def again(self) -> bool:
        """Whether it is worth looking again at those there was no room for at all."""
        return self._under_way <= self._most * ROOM_AGAIN and self.left > 0

    @property
    def places(self) -> int:
        """Of how many provinces there is room for a handful now."""
        return max(1, self.left // (HANDFUL if self._bulk else SLOTS_WHEN_BUSY))

    def busy(self, tenant_id: UUID) -> int:
        """How many of this province are on their way."""
        return self._busy.get(tenant_id, 0)

    def free(self, tenant_id: UUID) -> int:
        """How many more of this province may be; none while it is no handful and something is on its way."""
        most = SLOTS if self._under_way < BUSY else HANDFUL if self._bulk else SLOTS_WHEN_BUSY
        free = min(most - self.busy(tenant_id), self.left)
        return 0 if self._bulk and self.busy(tenant_id) and free < HANDFUL else max(0, free)

    def share(self, places: int) -> int:
        """How many each of so many provinces may ask for."""
        share = -(-self.left // places)
        return min(self.left, max(share, SLOTS)) if self._bulk else share

    def ask(self, count: int) -> None:
        """So many more are being asked for, or fewer below zero: two looks at once never share the same room."""
        self._asked_for += count

    def hold(self, tenant_id: UUID, count: int) -> None:
        """So many more of this province's messages are on their way, fewer below zero."""
        self._under_way += count
        self._busy[tenant_id] += count
        if not self._busy[tenant_id]:
            del self._busy[tenant_id]

    def note(self, now: float, *, late: bool) -> None:
        """A message's turn came in time, or too late for its token; `now` is seconds of a clock that only goes on."""
        if not late:
            self._most = min(MOST_AT_ONCE, self._most + MORE)
        elif now - self._fewer_at > FEWER_AGAIN_S:
            self._most, self._fewer_at = max(LEAST_AT_ONCE, self._most * FEWER), now
