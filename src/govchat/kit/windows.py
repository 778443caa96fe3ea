"""One limit of so many requests in any minute: what is kept of it for replies, and how what is paced is spread over the minute."""

import math

import msgspec

# Grants are counted in slots of so many milliseconds, and leave after so many of them: 60.75 s later at the earliest.
SLOT_MS, SLOTS = 125, 487
# What is paced falls due evenly, a little faster than the window lets it go again. What was missed may be caught up with for so long, at so
# many times the even pace within so many slots; who waits comes for what falls due together within this time, not for each by itself.
EVENLY, CREDIT_S = 1.01, 8.0
PACED_SLOTS, FASTER = 8, 1.5
TOGETHER_S = 0.25


class Window(msgspec.Struct, frozen=True):
    """One limit: `name` is its key, `limit` requests in any 60 s, of which `reserve` are kept for replies.

    What is `paced` gives those who don't come first one after the other, spread over the minute: a campaign that takes a minute's worth at
    once keeps whoever shares the machine waiting, and does so every minute, when that has left the window.
    """

    name: str
    limit: int
    reserve: int = 0
    paced: bool = False

    @property
    def aside(self) -> int:
        """What Redis never grants: half of the reserve is left to processes that can't reach it."""
        return self.reserve // 2

    @property
    def pace(self) -> int:
        """The most that goes in `PACED_SLOTS`; 0 for any number."""
        return math.ceil(self.limit * FASTER * PACED_SLOTS / (SLOTS - 1)) if self.paced else 0

    @property
    def each_us(self) -> int:
        """Microseconds after which the next falls due; 0 where nothing is paced."""
        return round(SLOT_MS * SLOTS * 1000 / max(1, self.limit - self.reserve) / EVENLY) if self.paced else 0

    @property
    def handful(self) -> int:
        """How many fall due within `TOGETHER_S`, at least one."""
        return max(1, int(TOGETHER_S * 1e6 / self.each_us)) if self.paced else 1


def reserve_for(limit: int) -> int:
    """What campaigns and notices may not touch: 1 % of the limit, at least five requests."""
    return max(5, limit // 100)
