"""When a dossier is due: the appointment (ngày hẹn trả) for limits in working days, calendar days, hours and same-day.

Used when the one-stop system sends no date of its own. A limit comes from the procedure, the days from `kit.workdays`.
"""

from datetime import datetime, time, timedelta
from typing import Literal, Protocol

from govchat.kit.workdays import Calendar

Unit = Literal["working_day", "calendar_day", "working_hour", "same_day"]

# Received after this time, a same-day procedure may be answered on the next working day (Decree 23/2015 and the like).
SAME_DAY_UNTIL = time(15, 0)


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


def due_at(procedure: Limited, received_at: datetime, calendar: Calendar) -> datetime | None:
    """The appointment in Vietnamese time, None when the procedure has no numeric limit.

    The clock starts where work starts: at once in opening hours, at the opening before them, after lunch, on the next working
    morning after hours or on a day off. The day it starts is not counted.

    - working days: the same time of day, that many working days later; 1 day is one working day's hours;
    - calendar days: the close of the last day, or of the next working day when that is a day off (Civil Code Art. 148);
    - working hours: hours of opening time;
    - same day: the close of the day; received after 15:00, the close of the next working day.

    Raises ValueError for a time without zone.
    """
    value, unit = procedure.limit.value, procedure.limit.unit
    if value is None or unit is None:
        return None
    if unit == "working_hour":
        return calendar.add_hours(received_at, value)
    if unit == "working_day":
        return calendar.add_workdays(received_at, value)
    starts = calendar.work_starts(received_at)
    if unit == "same_day":
        late = starts.time() > SAME_DAY_UNTIL
        return calendar.closes(
            calendar.add_workdays(starts.date(), 1) if late else calendar.next_workday(starts.date())
        )
    return calendar.closes(calendar.next_workday(starts.date() + timedelta(days=value)))
