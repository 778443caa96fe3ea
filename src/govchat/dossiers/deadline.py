"""When a dossier is due: the appointment (ngày hẹn trả), what a pause does to it, and how a result stands to it.

Used when the one-stop system sends no date of its own. A limit comes from the procedure, the days from `kit.workdays`.
"""

from datetime import datetime, time, timedelta
from typing import Literal, Protocol

from govchat.kit.clock import VN
from govchat.kit.workdays import Calendar

Unit = Literal["working_day", "calendar_day", "working_hour", "same_day"]
Pause = Literal["restart", "shift"]

# Received after this time, a same-day procedure may be answered on the next working day (Decree 23/2015 and the like).
SAME_DAY_UNTIL = time(15, 0)

# An online dossier is checked and accepted or refused within one working day of opening hours; later is told as late.
CHECK_HOURS = 8


class Limit(Protocol):
    """How long a procedure may take; both None when the law gives no figure."""

    @property
    def value(self) -> int | None: ...
    @property
    def unit(self) -> Unit | None: ...


class Limited(Protocol):
    """Anything with a limit: a row of the catalogue, or a province's own figure laid over it."""

    @property
    def limit(self) -> Limit: ...


def due_at(
    procedure: Limited, received_at: datetime, calendar: Calendar, *, plain_days_worked: bool = False
) -> datetime | None:
    """The appointment in Vietnamese time, None when the procedure has no numeric limit.

    The clock starts where work starts: at once in opening hours, at the opening before them, after lunch, on the next working
    morning after hours or on a day off. The day it starts is not counted.

    - working days: the same time of day, that many working days later; 1 day is one working day's hours;
    - calendar days: the close of the last day, or of the next working day when that is a day off (Civil Code Art. 148); with
      `plain_days_worked` a province reads a plain "ngày" as working days;
    - working hours: hours of opening time;
    - same day: the close of the day; received after 15:00, the close of the next working day.

    Raises ValueError for a time without zone.
    """
    value, unit = procedure.limit.value, procedure.limit.unit
    if value is None or unit is None:
        return None
    if unit == "working_hour":
        return calendar.add_hours(received_at, value)
    if unit == "working_day" or (unit == "calendar_day" and plain_days_worked):
        return calendar.add_workdays(received_at, value)
    starts = calendar.work_starts(received_at)
    if unit == "same_day":
        late = starts.time() > SAME_DAY_UNTIL
        return calendar.closes(
            calendar.add_workdays(starts.date(), 1) if late else calendar.next_workday(starts.date())
        )
    return calendar.closes(calendar.next_workday(starts.date() + timedelta(days=value)))


def shifted(
    due: datetime, unit: Unit | None, paused_at: datetime, resumed_at: datetime, calendar: Calendar
) -> datetime:
    """The appointment moved by the time that stood still.

    A limit in calendar days moves by the days between, to the close of a working day; any other by the opening time between, so that
    what was left of it when the pause began is left when it ends.
    """
    if resumed_at <= paused_at:
        return due
    if unit == "calendar_day":
        days = (resumed_at.astimezone(VN).date() - paused_at.astimezone(VN).date()).days
        return calendar.closes(calendar.next_workday(due.astimezone(VN).date() + timedelta(days=days))) if days else due
    lost = calendar.open_between(paused_at, resumed_at)
    return calendar.add_open(due, lost) if lost else due


def apology_by(due: datetime, calendar: Calendar) -> datetime:
    """Until when the office must have apologised and named a new date: a day before, on a working day (Decree 118/2025)."""
    local = due.astimezone(VN)
    return datetime.combine(calendar.add_workdays(local.date(), -1), local.timetz())


def check_by(registered_at: datetime, calendar: Calendar) -> datetime:
    """Until when a dossier registered online must be accepted, refused or sent back to be completed."""
    return calendar.add_hours(registered_at, CHECK_HOURS)


def result_stands(due: datetime | None, finished_at: datetime) -> Literal["early", "on_time", "late"] | None:
    """Early (trước hạn) on a day before that of the appointment, on time (đúng hạn) until it, late (quá hạn) after it."""
    if due is None:
        return None
    if finished_at > due:
        return "late"
    return "early" if finished_at.astimezone(VN).date() < due.astimezone(VN).date() else "on_time"
