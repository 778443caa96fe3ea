"""The calendar: worked examples from the law and the yearly notices, and the arithmetic's laws."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.errors import ConfigurationError
from govchat.kit.clock import VN
from govchat.kit.workdays import Calendar, OfficeHours, national, parse

HEADER = "date,kind,settled,confidence,name,basis\n"
DATES = st.dates(date(2025, 6, 1), date(2028, 6, 30))
MOMENTS = st.datetimes(datetime(2025, 6, 1), datetime(2028, 6, 30)).map(lambda moment: moment.replace(tzinfo=VN))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=VN)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2026-11-23", True),
        ("2026-11-24", False),  # the holiday added in 2026, a Tuesday
        ("2026-11-25", True),
        ("2026-01-02", False),  # swapped …
        ("2026-01-10", True),  # … with this Saturday
        ("2026-02-13", True),
        ("2026-02-16", False),
        ("2026-02-20", False),
        ("2026-02-23", True),
        ("2026-04-27", False),  # Giỗ Tổ was a Sunday
        ("2026-08-22", True),  # Saturday worked for 31 August
        ("2026-08-29", False),
        ("2026-08-31", False),
        ("2026-09-01", False),
        ("2026-09-02", False),
        ("2026-09-03", True),
        ("2027-02-04", True),
        ("2027-02-05", False),
        ("2027-02-11", False),
        ("2027-02-12", True),
        ("2027-05-03", False),  # 1 May is a Saturday
    ],
)
def test_a_day_is_worked_as_the_table_says(day: str, worked: bool) -> None:
    assert national().is_workday(date.fromisoformat(day)) is worked


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2026-11-20", 1, "2026-11-23"),
        ("2026-11-20", 2, "2026-11-25"),  # over a weekend and 24 November
        ("2026-11-20", 7, "2026-12-02"),
        ("2026-11-23", 1, "2026-11-25"),
        ("2026-02-13", 1, "2026-02-23"),  # the last Friday before Tết
        ("2027-02-04", 1, "2027-02-12"),
        ("2026-08-20", 2, "2026-08-22"),  # the make-up Saturday counts
        ("2026-08-28", 1, "2026-09-03"),
        ("2026-11-25", -1, "2026-11-23"),
        ("2026-11-22", 0, "2026-11-22"),
        ("2026-12-30", 2, "2027-01-04"),
    ],
)
def test_working_days_are_counted_over_the_days_off(start: str, count: int, end: str) -> None:
    assert national().add_workdays(date.fromisoformat(start), count) == date.fromisoformat(end)


@pytest.mark.parametrize(
    ("received", "starts"),
    [
        ("2026-11-20 09:12", "2026-11-20 09:12"),
        ("2026-11-20 06:00", "2026-11-20 07:30"),
        ("2026-11-20 11:30", "2026-11-20 13:00"),  # lunch
        ("2026-11-20 12:15", "2026-11-20 13:00"),
        ("2026-11-20 17:00", "2026-11-23 07:30"),  # closed
        ("2026-11-21 09:00", "2026-11-23 07:30"),  # Saturday
        ("2026-11-23 20:00", "2026-11-25 07:30"),  # 24 November between
        ("2026-02-15 10:00", "2026-02-23 07:30"),  # all of Tết between
    ],
)
def test_work_starts_when_the_office_is_open(received: str, starts: str) -> None:
    assert national().work_starts(at(received)) == at(starts)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-20 07:30", 4, "2026-11-20 11:30"),
        ("2026-11-20 07:30", 8, "2026-11-20 17:00"),
        ("2026-11-20 09:12", 8, "2026-11-23 09:12"),
        ("2026-11-20 16:00", 2, "2026-11-23 08:30"),
        ("2026-11-20 11:00", 1, "2026-11-20 13:30"),
        ("2026-11-23 16:30", 0.5, "2026-11-23 17:00"),
        ("2026-11-23 16:30", 1, "2026-11-25 08:00"),
    ],
)
def test_hours_run_only_while_the_office_is_open(start: str, hours: float, end: str) -> None:
    assert national().add_hours(at(start), hours) == at(end)


def test_a_moment_in_another_zone_is_taken_at_its_vietnamese_date() -> None:
    # 18:00 UTC on Monday is 01:00 on Tuesday 24 November in Việt Nam.
    assert national().is_workday(datetime(2026, 11, 23, 18, tzinfo=UTC)) is False
    assert national().add_workdays(datetime(2026, 11, 20, 2, 12, tzinfo=UTC), 2) == at("2026-11-25 09:12")


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a time zone"):
        national().work_starts(datetime(2026, 11, 20, 9))  # noqa: DTZ001


def test_a_police_counter_receives_on_saturday_morning() -> None:
    police = national().with_hours(OfficeHours(saturday=((time(7, 30), time(11, 30)),)))
    assert police.work_starts(at("2026-11-21 09:00")) == at("2026-11-21 09:00")
    assert police.work_starts(at("2026-11-21 12:00")) == at("2026-11-23 07:30")
    assert police.add_workdays(at("2026-11-21 09:00"), 1) == at("2026-11-23 09:00")
    assert police.add_hours(at("2026-11-21 11:00"), 1) == at("2026-11-23 08:00")
    assert not police.is_workday(date(2026, 11, 21))


def test_other_office_hours_change_where_the_day_ends() -> None:
    hours = OfficeHours(morning=(time(7), time(11)), afternoon=(time(13, 30), time(16, 30)))
    assert hours.minutes == 420
    assert national().with_hours(hours).closes(date(2026, 11, 20)) == at("2026-11-20 16:30")


def test_office_hours_that_overlap_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"07:30–13:30, 13:00–17:00: expected a morning"):
        OfficeHours(morning=(time(7, 30), time(13, 30)))
    with pytest.raises(ConfigurationError, match=r"Saturday 11:00–08:00"):
        OfficeHours(saturday=((time(11), time(8)),))


def test_outside_the_table_the_answer_is_an_estimate_and_says_so() -> None:
    calendar = national()
    assert calendar.covers(date(2026, 1, 1), date(2027, 12, 31))
    assert not calendar.covers(date(2025, 12, 31))
    assert not calendar.covers(date(2027, 12, 30), date(2028, 1, 3))
    assert not calendar.is_workday(date(2028, 1, 1))
    assert not calendar.is_workday(date(2028, 1, 3))  # the Monday for a New Year on Saturday
    assert not calendar.is_workday(date(2028, 11, 24))
    assert calendar.is_workday(date(2025, 11, 24))  # no holiday yet
    assert calendar.is_workday(date(2028, 1, 4))


def test_days_that_await_their_notice_are_marked() -> None:
    awaited = [day.date.isoformat() for day in national().holidays(2027) if not day.settled]
    assert awaited == ["2027-02-05", "2027-02-09", "2027-02-10", "2027-02-11", "2027-09-03"]
    assert all(day.settled for day in national().holidays(2026))
    day = national().day(date(2026, 11, 24))
    assert day is not None
    assert (day.kind, day.confidence, "28/2026/QH16" in day.basis) == ("holiday", "high", True)
    assert national().day(date(2026, 11, 23)) is None


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("2028-13-01,holiday,yes,high,x,y", r"days\.csv:2 Invalid RFC3339.*date"),
        ("2028-01-01,feast,yes,high,x,y", r"days\.csv:2 Invalid enum value 'feast'"),
        ("2028-01-01,holiday,maybe,high,x,y", r'days\.csv:2 settled "maybe": expected yes or no'),
        ("2028-01-03,makeup,yes,high,x,y", r"days\.csv:2 makeup 2028-01-03: expected a Saturday"),
        (
            "2028-01-01,holiday,yes,high,x,y\n2028-01-01,swap,yes,high,x,y",
            r"days\.csv:3 date 2028-01-01: it stands in the table",
        ),
        ("2028-01-01,holiday,yes,high,x,y", r"year 2028 has 1 holidays: the law gives 12"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(rows: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        parse(HEADER + rows, "days.csv")


def test_an_empty_table_still_knows_weekends() -> None:
    assert Calendar(parse(HEADER)).next_workday(date(2026, 11, 21)) == date(2026, 11, 23)


@given(DATES, st.integers(-60, 60))
def test_between_gives_back_what_add_took(start: date, count: int) -> None:
    calendar = national()
    end = calendar.add_workdays(start, count)
    assert calendar.workdays_between(start, end) == count
    assert count == 0 or calendar.is_workday(end)


@given(MOMENTS, MOMENTS, st.integers(0, 40))
def test_what_comes_first_is_due_first(one: datetime, other: datetime, count: int) -> None:
    calendar = national()
    first, second = sorted((one, other))
    assert calendar.work_starts(first) <= calendar.work_starts(second)
    assert calendar.add_workdays(first, count) <= calendar.add_workdays(second, count)
    assert calendar.add_hours(first, count) <= calendar.add_hours(second, count)


@given(MOMENTS, st.integers(0, 40))
def test_one_day_more_is_never_due_earlier(start: datetime, count: int) -> None:
    calendar = national()
    assert calendar.add_workdays(start, count) < calendar.add_workdays(start, count + 1)
    assert calendar.is_workday(calendar.add_workdays(start, count))


@given(MOMENTS, st.integers(0, 12), st.integers(1, 12))
def test_hours_add_up(start: datetime, some: int, more: int) -> None:
    calendar = national()
    assert calendar.add_hours(calendar.add_hours(start, some), more) == calendar.add_hours(start, some + more)


@given(MOMENTS, st.integers(1, 5))
def test_eight_hours_are_one_working_day(start: datetime, days: int) -> None:
    calendar = national()
    by_hours, by_days = calendar.add_hours(start, 8 * days), calendar.add_workdays(start, days)
    # At an opening the two name the same working moment: the close of one day and the opening of the next.
    assert by_hours == by_days or calendar.work_starts(by_hours) == by_days
    assert by_days - by_hours < timedelta(days=12)
