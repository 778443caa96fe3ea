"""Requests a minute, counted as Zalo counts them and as the strictest reading would: per calendar minute and per sliding 60 s.

Each OA and each app has one `Meter`. A request over the limit is refused with -32 and counted in `over`, never in the window. The
highest counts ever seen stay readable: load tests judge a sender by them.
"""

from collections import deque
from dataclasses import dataclass, field

WINDOW = 60.0


@dataclass(slots=True)
class Meter:
    """Requests of one OA or one app; times are Unix seconds, `limit` is requests per minute."""

    limit: int
    lifted: bool = False
    times: deque[float] = field(default_factory=deque)
    minute: int = 0
    in_minute: int = 0
    max_in_minute: int = 0
    max_in_60s: int = 0
    over: int = 0
    total: int = 0

    def room(self, now: float) -> int:
        """How many more requests fit right now; the smaller of both windows."""
        times = self.times
        edge = now - WINDOW
        while times and times[0] <= edge:
            times.popleft()
        while times and times[-1] > now:  # the clock was put back: forget the future
            times.pop()
        minute = int(now // 60)
        if minute != self.minute:
            self.minute = minute
            self.in_minute = sum(1 for at in times if at // 60 == minute)
        return self.limit - max(len(times), self.in_minute)

    def add(self, now: float) -> None:
        """Count a request that `room` had a place for, or one that passes because limits are lifted."""
        self.times.append(now)
        self.in_minute += 1
        self.total += 1
        self.max_in_minute = max(self.max_in_minute, self.in_minute)
        self.max_in_60s = max(self.max_in_60s, len(self.times))

    def forget(self) -> None:
        """Start counting anew: windows, maxima and totals."""
        self.times.clear()
        self.in_minute = self.max_in_minute = self.max_in_60s = self.over = self.total = 0

    def report(self) -> dict[str, int | bool]:
        return {
            "limit": self.limit,
            "lifted": self.lifted,
            "total": self.total,
            "max_in_minute": self.max_in_minute,
            "max_in_60s": self.max_in_60s,
            "over_limit": self.over,
        }


def admit(oa: Meter, app: Meter, now: float) -> tuple[str, int]:
    """Count one request against its OA and its app, or against neither.

    Answers `("", room left)`, or who is over the limit: `("oa", 0)` or `("app", 0)`.
    """
    oa_room = oa.room(now)
    app_room = app.room(now)
    if app_room <= 0 and not app.lifted:
        app.over += 1
        return "app", 0
    if oa_room <= 0 and not oa.lifted:
        oa.over += 1
        return "oa", 0
    oa.add(now)
    app.add(now)
    return "", max(0, min(oa_room, app_room) - 1)
