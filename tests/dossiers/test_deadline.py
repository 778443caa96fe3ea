"""Appointments worked out by hand, and the laws the arithmetic keeps."""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.dossiers.deadline import Unit, due_at
from govchat.kit.clock import VN
from govchat.kit.workdays import national
from govchat.procedures.catalogue import starter


class Span(NamedTuple):
    value: int | None
    unit: Unit | None


class Rule(NamedTuple):
    limit: Span


UNITS: list[Unit] = ["working_day", "calendar_day", "working_hour", "same_day"]
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 10, 1)).map(lambda moment: moment.replace(tzinfo=VN))  # noqa: DTZ001


def due(value: int | None, unit: Unit | None, received: datetime) -> datetime | None:
    return due_at(Rule(Span(value, unit)), received, national())


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=VN)


@pytest.mark.parametrize(
    ("value", "unit", "received", "expected"),
    [
        # working days: weekend, 24 November, Tết, the National Day swap with its make-up Saturday
        (1, "working_day", "2026-11-19 09:12", "2026-11-20 09:12"),
        (3, "working_day", "2026-11-20 09:12", "2026-11-26 09:12"),
        (10, "working_day", "2026-11-20 09:12", "2026-12-07 09:12"),
        (17, "working_day", "2026-11-03 09:12", "2026-11-27 09:12"),
        (1, "working_day", "2026-11-23 16:00", "2026-11-25 16:00"),
        (5, "working_day", "2026-02-12 10:00", "2026-02-26 10:00"),
        (2, "working_day", "2027-02-03 10:00", "2027-02-12 10:00"),
        (3, "working_day", "2026-08-20 14:00", "2026-08-24 14:00"),
        (5, "working_day", "2026-08-26 14:00", "2026-09-07 14:00"),
        # where the clock starts: before hours, lunch, after hours, a day off
        (2, "working_day", "2026-11-17 05:00", "2026-11-19 07:30"),
        (2, "working_day", "2026-11-17 12:00", "2026-11-19 13:00"),
        (2, "working_day", "2026-11-17 17:00", "2026-11-20 07:30"),
        (2, "working_day", "2026-11-14 10:00", "2026-11-18 07:30"),
        (1, "working_day", "2026-11-24 10:00", "2026-11-26 07:30"),
        # calendar days end at the close of the last day, moved past days off
        (1, "calendar_day", "2026-11-19 09:12", "2026-11-20 17:00"),
        (1, "calendar_day", "2026-11-20 09:12", "2026-11-23 17:00"),
        (1, "calendar_day", "2026-11-23 09:12", "2026-11-25 17:00"),
        (3, "calendar_day", "2026-11-20 18:00", "2026-11-26 17:00"),
        (30, "calendar_day", "2026-11-20 09:12", "2026-12-21 17:00"),
        (3, "calendar_day", "2026-02-13 09:00", "2026-02-23 17:00"),
        (105, "calendar_day", "2026-11-20 09:12", "2027-03-05 17:00"),
        # hours
        (8, "working_hour", "2026-11-20 07:30", "2026-11-20 17:00"),
        (8, "working_hour", "2026-11-20 10:00", "2026-11-23 10:00"),
        (8, "working_hour", "2026-11-23 10:00", "2026-11-25 10:00"),
        (8, "working_hour", "2026-11-21 10:00", "2026-11-23 17:00"),
        # same day, until 15:00
        (0, "same_day", "2026-11-19 09:00", "2026-11-19 17:00"),
        (0, "same_day", "2026-11-19 15:00", "2026-11-19 17:00"),
        (0, "same_day", "2026-11-19 15:01", "2026-11-20 17:00"),
        (0, "same_day", "2026-11-20 16:30", "2026-11-23 17:00"),
        (0, "same_day", "2026-11-23 17:30", "2026-11-25 17:00"),
        (0, "same_day", "2026-11-21 09:00", "2026-11-23 17:00"),
    ],
)
def test_the_appointment_is_the_one_worked_out_by_hand(value: int, unit: Unit, received: str, expected: str) -> None:
    assert due(value, unit, at(received)) == at(expected)


def test_a_procedure_without_a_figure_has_no_appointment() -> None:
    assert due(None, None, at("2026-11-20 09:12")) is None
    reception = starter().get("1.010944")
    assert reception is not None
    assert due_at(reception, at("2026-11-20 09:12"), national()) is None


def test_the_appointment_is_told_in_vietnamese_time() -> None:
    answer = due(1, "working_day", datetime(2026, 11, 19, 2, 12, tzinfo=UTC))
    assert answer is not None
    assert answer.isoformat() == "2026-11-20T09:12:00+07:00"


def test_every_limit_of_the_catalogue_leads_to_a_working_day_at_an_open_hour() -> None:
    calendar, received = national(), at("2026-11-20 09:12")
    for procedure in starter():
        answer = due_at(procedure, received, calendar)
        if answer is None:
            assert procedure.limit.value is None
            continue
        assert answer > received, procedure.code
        assert calendar.is_workday(answer), procedure.code
        assert any(start <= answer.time() <= end for start, end in calendar.spans(answer.date())), procedure.code


@given(MOMENTS, MOMENTS, st.integers(0, 60), st.sampled_from(UNITS))
def test_what_was_received_first_is_due_first(one: datetime, other: datetime, value: int, unit: Unit) -> None:
    first, second = due(value, unit, min(one, other)), due(value, unit, max(one, other))
    assert first is not None
    assert second is not None
    assert first <= second


@given(MOMENTS, st.integers(1, 60), st.sampled_from(UNITS))
def test_an_appointment_lies_after_the_reception_on_a_working_day(received: datetime, value: int, unit: Unit) -> None:
    answer = due(value, unit, received)
    assert answer is not None
    assert answer > received
    assert national().is_workday(answer)


@given(MOMENTS, st.integers(1, 60))
def test_calendar_days_never_end_on_a_later_date_than_working_days(received: datetime, value: int) -> None:
    calendar_days, working_days = due(value, "calendar_day", received), due(value, "working_day", received)
    assert calendar_days is not None
    assert working_days is not None
    assert calendar_days.date() <= working_days.date()
