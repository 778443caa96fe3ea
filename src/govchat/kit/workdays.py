"""Working days and office hours of Vietnamese authorities.

Days off, swap days and make-up Saturdays come from a dated table (`data/holidays.csv`): every year's split of Tết and every
swap is decided by notice, so no rule can compute them. Deadlines of dossiers are counted on the `Calendar` built here.
"""

import csv
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Literal, overload

import msgspec

from govchat.errors import ConfigurationError
from govchat.kit.clock import VN

Kind = Literal["holiday", "compensatory", "swap", "makeup"]
Span = tuple[time, time]

ONE_DAY = timedelta(days=1)

# Paid public holidays a year: 11 by the Labour Code 2019 (Art. 112), 12 since Resolution 28/2026/QH16 added 24 November.
_HOLIDAYS_BEFORE_2026, _HOLIDAYS_SINCE_2026 = 11, 12

# Holidays on the same solar date every year, with the first year they hold: all that is known of a year without a table.
_FIXED = ((1, 1, 1), (4, 30, 1), (5, 1, 1), (9, 2, 1), (11, 24, 2026))


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One dated exception to Monday–Friday: a day off, or (`makeup`) a Saturday that is worked.

    `settled` is false while the yearly notice that fixes the day has not been seen.
    """

    date: date
    kind: Kind
    settled: bool
    confidence: Literal["high", "medium", "low"]
    name: str
    basis: str


class OfficeHours(msgspec.Struct, frozen=True, kw_only=True):
    """When a counter is open, in Vietnamese time.

    `saturday` is for counters that receive on Saturdays (residence and identity papers at police counters): time counts
    there, but the Saturday is no working day.
    """

    morning: Span = (time(7, 30), time(11, 30))
    afternoon: Span = (time(13, 0), time(17, 0))
    saturday: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        if not self.morning[0] < self.morning[1] <= self.afternoon[0] < self.afternoon[1]:
            raise ConfigurationError(
                f"office hours {_spell(self.morning)}, {_spell(self.afternoon)}: expected a morning that ends before the afternoon"
            )
        if any(start >= end for start, end in self.saturday):
            raise ConfigurationError(
                f"office hours on Saturday {', '.join(map(_spell, self.saturday))}: expected start < end"
            )

    @property
    def minutes(self) -> int:
        """Length of one working day: 480 by default, the 8 hours that one day of a limit stands for."""
        return sum(_minute(end) - _minute(start) for start, end in (self.morning, self.afternoon))


OFFICE_HOURS = OfficeHours()


class Calendar:
    """Which days are worked, and the arithmetic on them.

    The table vouches for whole years (`covers`). Outside them the answers are an estimate that never fails: weekends and the
    holidays of fixed solar date are off, with the weekday that replaces one on a weekend; Tết, Giỗ Tổ Hùng Vương and swaps
    are unknown. A deadline that leaves `covers` should be told as provisional.
    """

    __slots__ = ("_days", "_makeups", "_off", "_workdays", "_years", "hours")

    def __init__(self, days: Iterable[Day], hours: OfficeHours = OFFICE_HOURS) -> None:
        self.hours = hours
        self._days = {day.date: day for day in days}
        self._years = frozenset(day.year for day in self._days)
        self._off = frozenset(day.date for day in self._days.values() if day.kind != "makeup")
        self._makeups = frozenset(day.date for day in self._days.values() if day.kind == "makeup")
        self._workdays = {year: [day for day in _days_of(year) if self._worked(day)] for year in self._years}

    def with_hours(self, hours: OfficeHours) -> "Calendar":
        """The same days with the office hours of another agency."""
        return Calendar(self._days.values(), hours)

    def covers(self, first: date, last: date | None = None) -> bool:
        """Whether the table knows every day from `first` to `last` (both included)."""
        return all(year in self._years for year in range(first.year, (last or first).year + 1))

    def day(self, day: date) -> Day | None:
        """What the table says of this date, None for an ordinary one."""
        return self._days.get(_plain(day))

    def holidays(self, year: int) -> list[Day]:
        """Every dated exception of a year in order, make-up Saturdays included; empty outside the table."""
        return sorted((day for day in self._days.values() if day.date.year == year), key=lambda day: day.date)

    def is_workday(self, day: date) -> bool:
        """Whether authorities work on this date (a datetime is taken at its Vietnamese date)."""
        return self._worked(_plain(day))

    def _worked(self, day: date) -> bool:
        if day.year not in self._years:
            return day.weekday() < 5 and day not in _estimated_off(day.year)
        return day in self._makeups or (day.weekday() < 5 and day not in self._off)

    def next_workday(self, day: date) -> date:
        """`day` itself when it is worked, else the first working day after it."""
        day = _plain(day)
        while not self._worked(day):
            day += ONE_DAY
        return day

    @overload
    def add_workdays(self, start: datetime, count: int) -> datetime: ...
    @overload
    def add_workdays(self, start: date, count: int) -> date: ...
    def add_workdays(self, start: date, count: int) -> date:
        """The `count`-th working day after `start`; before it when negative; `start` itself for 0.

        The day of `start` is not counted (Civil Code Art. 147). A datetime first moves to where work starts (`work_starts`) and
        keeps that time of day: one day of a limit is one working day's hours. Raises ValueError for a naive datetime.
        """
        if isinstance(start, datetime):
            begun = self.work_starts(start)
            return datetime.combine(self._shift(begun.date(), count), begun.timetz())
        return self._shift(start, count)

    def _shift(self, day: date, count: int) -> date:
        # Nearly every limit ends in the year it starts: one look-up there, step by step over a turn of the year.
        days = self._workdays.get(day.year, [])
        at = bisect_right(days, day) + count - 1 if count > 0 else bisect_left(days, day) + count
        if count and 0 <= at < len(days):
            return days[at]
        step = ONE_DAY if count > 0 else -ONE_DAY
        left = abs(count)
        while left:
            day += step
            left -= self._worked(day)
        return day

    def workdays_between(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; negative when `end` lies before `start`.

        The inverse of `add_workdays`: `workdays_between(d, add_workdays(d, n)) == n` for every date `d`.
        """
        start, end = _plain(start), _plain(end)
        if end < start:
            return -sum(self._worked(end + ONE_DAY * i) for i in range((start - end).days))
        return sum(self._worked(start + ONE_DAY * i) for i in range(1, (end - start).days + 1))

    def spans(self, day: date) -> tuple[Span, ...]:
        """The opening hours of this date, empty on a day off."""
        if self.is_workday(day):
            return (self.hours.morning, self.hours.afternoon)
        if self.hours.saturday and day.weekday() == 5 and _plain(day) not in self._off:
            return self.hours.saturday
        return ()

    def work_starts(self, moment: datetime) -> datetime:
        """Where work on something received at `moment` starts, in Vietnamese time.

        Inside opening hours at once; before them at the opening; at lunch when the afternoon begins; after hours or on a
        day off at the next opening.
        """
        local = _local(moment)
        for start, end in self.spans(local.date()):
            if local.time() < end:
                return max(local, datetime.combine(local.date(), start, VN))
        day = local.date() + ONE_DAY
        while not (spans := self.spans(day)):
            day += ONE_DAY
        return datetime.combine(day, spans[0][0], VN)

    def closes(self, day: date) -> datetime:
        """The end of office hours on this date."""
        return datetime.combine(_plain(day), self.hours.afternoon[1], VN)

    def add_hours(self, start: datetime, hours: float) -> datetime:
        """The moment when `hours` of opening time have passed since `start`; raises ValueError for a negative count."""
        if hours < 0:
            raise ValueError(f"hours {hours}: expected 0 or more")
        return self.add_open(start, timedelta(hours=hours))

    def add_open(self, start: datetime, left: timedelta) -> datetime:
        """The moment when `left` of opening time has passed since `start`; nothing left is where work starts."""
        at = self.work_starts(start)
        while True:
            end = next(end for begin, end in self.spans(at.date()) if begin <= at.time() < end)
            room = datetime.combine(at.date(), end, VN) - at
            if left <= room:
                return at + left
            left -= room
            at = self.work_starts(at + room)

    def open_between(self, start: datetime, end: datetime) -> timedelta:
        """The opening time between two moments, nothing when `end` is not after `start`. The inverse of `add_open`."""
        first, last = _local(start), _local(end)
        total = timedelta(0)
        day = first.date()
        while day <= last.date():
            for begin, close in self.spans(day):
                opened = max(first, datetime.combine(day, begin, VN))
                closed = min(last, datetime.combine(day, close, VN))
                total += max(closed - opened, timedelta(0))
            day += ONE_DAY
        return total


def parse(text: str, source: str = "holidays.csv") -> tuple[Day, ...]:
    """Read a table of days; raises `ConfigurationError` with `source:line` for a bad row, a doubled date or a half-filled year.

    Columns: date, kind (holiday, compensatory, swap, makeup), settled (yes, no), confidence (high, medium, low), name, basis.
    """
    days: dict[date, Day] = {}
    for line, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        if row.get("settled") not in ("yes", "no"):
            raise ConfigurationError(f'{source}:{line} settled "{row.get("settled")}": expected yes or no')
        try:
            day = msgspec.convert({**row, "settled": row["settled"] == "yes"}, Day)
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"{source}:{line} {error}") from None
        if day.date in days:
            raise ConfigurationError(
                f"{source}:{line} date {day.date}: it stands in the table already, keep one row a date"
            )
        if day.kind == "makeup" and day.date.weekday() != 5:
            raise ConfigurationError(f"{source}:{line} makeup {day.date}: expected a Saturday")
        days[day.date] = day
    _refuse_half_years(days.values(), source)
    return tuple(sorted(days.values(), key=lambda day: day.date))


def _refuse_half_years(days: Iterable[Day], source: str) -> None:
    # A year counts as covered as soon as it has a row, so a started year has to be a complete one.
    found: dict[int, int] = {}
    for day in days:
        found[day.date.year] = found.get(day.date.year, 0) + (day.kind == "holiday")
    for year, count in found.items():
        due = _HOLIDAYS_SINCE_2026 if year >= 2026 else _HOLIDAYS_BEFORE_2026
        if count < due:
            raise ConfigurationError(
                f"{source}: year {year} has {count} holidays: the law gives {due}, complete the year or leave it out"
            )


@cache
def national() -> Calendar:
    """The calendar of the shipped table with the usual office hours 07:30–11:30 and 13:00–17:00."""
    table = resources.files("govchat.kit") / "data" / "holidays.csv"
    return Calendar(parse(table.read_text(encoding="utf-8")))


def _days_of(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += ONE_DAY


@cache
def _estimated_off(year: int) -> frozenset[date]:
    fixed = [date(year, month, day) for month, day, since in _FIXED if year >= since]
    off = set(fixed)
    for holiday in fixed:
        day = holiday
        while holiday.weekday() >= 5 and (day.weekday() >= 5 or day in off):
            day += ONE_DAY
        off.add(day)
    return frozenset(off)


def _plain(day: date) -> date:
    return _local(day).date() if isinstance(day, datetime) else day


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"moment {moment.isoformat()}: expected a time zone, such as {VN.key}")
    return moment.astimezone(VN)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _spell(span: Span) -> str:
    return f"{span[0]:%H:%M}–{span[1]:%H:%M}"
