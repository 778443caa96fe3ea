"""Whether an authority is open on a day or at a moment, why not, and when it opens next.

From `manifest.agencies`, its working hours and the dated days of `kit.workdays`; everything is in Vietnamese time.
"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum

import msgspec

from govchat.kit.clock import VN
from govchat.kit.workdays import Calendar, Span
from govchat.tenants.agencies import calendar_for
from govchat.tenants.schema import Agency, Manifest

ONE_DAY = timedelta(days=1)
# Longer than any Tết: a calendar that never opens is a fault, not an answer.
FARTHEST_DAYS = 60


class Why(StrEnum):
    """Why an authority is open or closed on a day."""

    WORKDAY = "workday"
    MAKEUP = "makeup"  # a Saturday worked instead of another day
    SATURDAY = "saturday"  # a counter that receives on Saturdays
    HOLIDAY = "holiday"
    COMPENSATORY = "compensatory"  # a day off for a holiday on a weekend
    SWAP = "swap"  # a day off that a make-up Saturday pays for
    WEEKEND = "weekend"


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """One authority on one day. `settled` is false where the yearly notice is not out yet, or the table doesn't know the year."""

    day: date
    spans: tuple[Span, ...]
    why: Why
    name: str
    settled: bool

    @property
    def is_open(self) -> bool:
        return bool(self.spans)

    @property
    def hours(self) -> str:
        """`07:30–11:30, 13:00–17:00`; empty when closed."""
        return ", ".join(f"{start:%H:%M}–{end:%H:%M}" for start, end in self.spans)


def open_on(manifest: Manifest, agency: Agency | None, day: date) -> Opening:
    """How this agency, or the province in general, is open on `day` (a date in Vietnam)."""
    return opening(calendar_for(manifest, agency), day)


def opening(calendar: Calendar, day: date) -> Opening:
    """How a calendar is open on `day`."""
    spans = calendar.spans(day)
    told = calendar.day(day)
    if told is not None:
        why = Why(told.kind)
    elif spans:
        why = Why.WORKDAY if calendar.is_workday(day) else Why.SATURDAY
    else:
        why = Why.WEEKEND if day.weekday() >= 5 else Why.HOLIDAY
    settled = calendar.covers(day) and (told is None or told.settled)
    return Opening(day=day, spans=spans, why=why, name=told.name if told else "", settled=settled)


def is_open_at(manifest: Manifest, agency: Agency | None, moment: datetime) -> bool:
    """Whether somebody is at the counter at this moment; raises ValueError for a naive one."""
    local = _local(moment)
    return any(start <= local.time() < end for start, end in open_on(manifest, agency, local.date()).spans)


def next_open(manifest: Manifest, agency: Agency | None, moment: datetime) -> datetime:
    """`moment` itself while it is open, else when it opens next, in Vietnamese time; raises ValueError for a naive one."""
    calendar = calendar_for(manifest, agency)
    local = _local(moment)
    day, since = local.date(), local.time()
    for _ in range(FARTHEST_DAYS):
        for start, end in calendar.spans(day):
            if since < end:
                return datetime.combine(day, max(start, since), VN)
        day, since = day + ONE_DAY, time(0)
    raise ValueError(f"no opening within {FARTHEST_DAYS} days after {local.date()}: the calendar is wrong")


def next_open_day(manifest: Manifest, agency: Agency | None, day: date) -> Opening:
    """`day` itself when it is open, else the first open day after it."""
    start = datetime.combine(day, time(0), VN)
    return open_on(manifest, agency, next_open(manifest, agency, start).date())


def holidays_ahead(manifest: Manifest, day: date, days: int = 14) -> list[Opening]:
    """The public holidays, swap days and make-up Saturdays within `days` days from `day`, for whoever asks about opening."""
    calendar = calendar_for(manifest)
    ahead = (day + ONE_DAY * each for each in range(days))
    return [opening(calendar, each) for each in ahead if calendar.day(each) is not None]


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"moment {moment.isoformat()}: expected a time zone, such as {VN.key}")
    return moment.astimezone(VN)
