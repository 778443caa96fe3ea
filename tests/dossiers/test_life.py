"""The life of a dossier worked out by hand: moves, pauses, appointments, and what is said of them."""

from datetime import datetime, time, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.dossiers import moves
from govchat.dossiers.advance import State, Step, advance, create
from govchat.dossiers.deadline import apology_by, result_stands, shifted
from govchat.dossiers.queries import timeliness
from govchat.dossiers.schemas import DossierIn
from govchat.dossiers.status import STATUSES, SUB_STATUSES
from govchat.dossiers.terms import Counted, Office, Term, Terms
from govchat.kit.clock import VN
from govchat.kit.ids import new_id
from govchat.kit.workdays import national
from govchat.procedures.catalogue import starter

WORKING = next(p for p in starter() if p.limit.unit == "working_day" and (p.limit.value or 0) >= 5)
PLAIN = next(p for p in starter() if p.limit.unit == "calendar_day" and (p.limit.value or 0) >= 5)
MOMENTS = st.datetimes(datetime(2026, 1, 5), datetime(2027, 9, 1)).map(lambda moment: moment.replace(tzinfo=VN))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=VN)


class Life:
    """One dossier, told change by change."""

    def __init__(self, procedure: str = WORKING.code, unit: str = "Sở Xây dựng", **counted: Any) -> None:
        self.procedure, self.unit = procedure, unit
        self.terms = Terms(starter(), None, {}, {procedure: Counted(procedure, **counted)})
        self.state: State | None = None

    def tell(self, status: int, changed: str, *, names_offices: bool = True, **more: Any) -> Step:
        told = msgspec.convert(
            {
                "procedure_code": self.procedure,
                "applicant": {"name": "Trịnh Thị Phương Hiền"},
                "status": status,
                "status_note": "vì sao",
                "handler": {"unit": self.unit},
                "received_at": at("2026-11-03 09:12"),
                "changed_at": at(changed),
                **more,
            },
            DossierIn,
        )
        content = msgspec.json.encode(told)
        term = self.terms.of(self.procedure, self.unit)
        code = "H36.01-261103-0001"
        step = (
            create(new_id(), code, code, told, content, term)
            if self.state is None
            else advance(self.state, told, content, term, names_offices=names_offices)
        )
        self.state = step.state
        return step


@pytest.mark.parametrize("old", STATUSES)
@pytest.mark.parametrize("new", STATUSES)
def test_a_move_the_law_does_not_know_is_taken_and_flagged(old: int, new: int) -> None:
    life = Life()
    life.tell(old, "2026-11-03 10:00")
    step = life.tell(new, "2026-11-04 10:00")
    assert (step.outcome, step.state.status, step.event) == ("updated", new, True)
    lawful = old == new or new in moves.LAWFUL[old]
    assert (moves.UNLAWFUL in step.flags) is not lawful
    assert (moves.UNLAWFUL in step.state.flags) is not lawful, "an office can list it"


def test_what_ends_a_dossier_is_left_by_nothing_but_a_resumption() -> None:
    assert {old for old, new in moves.LAWFUL.items() if not new} == {3, 7, 10}
    assert moves.is_lawful(8, 4)
    assert not moves.is_lawful(3, 4)
    assert {number for number, status in STATUSES.items() if status.paused} == {5, 6, 8}


def test_a_refusal_without_a_reason_is_no_refusal() -> None:
    with pytest.raises(msgspec.ValidationError, match="field `status_note` is missing"):
        Life().tell(3, "2026-11-03 10:00", status_note="  ")
    for status in (5, 8):
        assert moves.REASON_MISSING in Life().tell(status, "2026-11-03 10:00", status_note=None).flags


@pytest.mark.parametrize("name", SUB_STATUSES)
def test_a_sub_state_belongs_to_its_status(name: str) -> None:
    sub = SUB_STATUSES[name]
    life = Life()
    life.tell(sub.of, "2026-11-03 10:00")
    step = life.tell(sub.of, "2026-11-04 10:00", sub_status=name)
    assert (step.state.sub_status, step.told) == (name, True)
    with pytest.raises(msgspec.ValidationError, match="field `sub_status`"):
        life.tell(2, "2026-11-04 11:00", sub_status=name)


def test_another_office_is_told_unless_the_format_names_sections() -> None:
    life = Life()
    life.tell(4, "2026-11-03 10:00")
    assert not life.tell(4, "2026-11-04 10:00", handler={"unit": "sở  xây dựng"}).told, "the same, otherwise written"
    step = life.tell(4, "2026-11-05 10:00", handler={"unit": "Sở Tài chính"})
    assert (step.told, step.flags, step.state.flags) == (True, {moves.MOVED}, frozenset())
    step = life.tell(9, "2026-11-06 10:00", handler={"unit": "Sở Xây dựng"})
    assert moves.MOVED not in step.flags, "the change of status says more"
    assert not life.tell(9, "2026-11-07 10:00", handler={"unit": "Kho lưu trữ"}).told
    life = Life()
    life.tell(4, "2026-11-03 10:00")
    assert not life.tell(4, "2026-11-04 10:00", handler={"unit": "Phòng 2"}, names_offices=False).told


def test_registered_and_not_accepted_within_a_working_day_is_accepted_late() -> None:
    for accepted, late in (("2026-11-04 10:00", False), ("2026-11-04 10:01", True)):
        life = Life()
        life.tell(1, "2026-11-03 10:00", received_at=None)
        assert (moves.ACCEPTED_LATE in life.tell(2, accepted).flags) is late


DUE = {"due_at": at("2026-12-01 17:00")}


@pytest.mark.parametrize(
    ("changed", "new_due", "flags"),
    [
        ("2026-11-30 17:00", "2026-12-08 17:00", {"reappointed"}),
        ("2026-11-30 17:01", "2026-12-08 17:00", {"reappointed", "apology_late"}),
        ("2026-12-02 08:00", "2026-12-08 17:00", {"reappointed", "apology_late"}),
        ("2026-11-20 08:00", "2026-11-27 17:00", set()),
    ],
    ids=["a day before", "a minute too late", "after it", "earlier than promised"],
)
def test_a_later_appointment_is_a_reappointment_with_an_apology_in_time(
    changed: str, new_due: str, flags: set[str]
) -> None:
    life = Life()
    life.tell(4, "2026-11-04 10:00", **DUE)
    step = life.tell(4, changed, due_at=at(new_due))
    assert step.flags == flags
    assert step.told is bool(flags)
    assert step.state.first_due_at == DUE["due_at"]


def test_there_is_one_reappointment_only() -> None:
    life = Life()
    life.tell(4, "2026-11-04 10:00", **DUE)
    life.tell(4, "2026-11-20 10:00", due_at=at("2026-12-08 17:00"))
    step = life.tell(4, "2026-11-25 10:00", due_at=at("2026-12-15 17:00"))
    assert step.flags == {"reappointed", "reappointed_again"}
    assert (step.state.reappointments, step.state.flags) == (2, {"reappointed_again"})


def test_a_new_date_after_a_pause_is_no_reappointment() -> None:
    life = Life()
    life.tell(4, "2026-11-04 10:00", **DUE)
    life.tell(5, "2026-11-05 10:00", **DUE)
    assert life.tell(4, "2026-11-12 10:00", due_at=at("2026-12-08 17:00")).flags == set()


@pytest.mark.parametrize(
    ("pause", "status", "paused", "resumed", "expected"),
    [
        # The limit of WORKING from 2026-11-03 09:12, worked out with it; 24 November is off.
        ("restart", 5, "2026-11-05 09:12", "2026-11-09 09:12", ("2026-11-09 09:12", 0)),
        ("shift", 5, "2026-11-05 09:12", "2026-11-09 09:12", ("2026-11-03 09:12", 2)),
        ("restart", 6, "2026-11-05 09:12", "2026-11-09 09:12", ("2026-11-03 09:12", 2)),
        ("shift", 8, "2026-11-05 18:00", "2026-11-06 07:00", ("2026-11-03 09:12", 0)),
        ("shift", 8, "2026-11-07 08:00", "2026-11-08 20:00", ("2026-11-03 09:12", 0)),
        ("shift", 6, "2026-11-23 09:12", "2026-11-25 09:12", ("2026-11-03 09:12", 1)),
    ],
    ids=["papers came: anew", "papers came: shifted", "paid: shifted", "overnight", "over a weekend", "over a holiday"],
)
def test_a_pause_moves_the_appointment_as_its_rule_says(
    pause: str, status: int, paused: str, resumed: str, expected: tuple[str, int]
) -> None:
    life = Life(pause=pause)
    life.tell(4, "2026-11-04 08:00")
    life.tell(status, paused)
    begins, more = expected
    assert WORKING.limit.value is not None
    due = national().add_workdays(at(begins), WORKING.limit.value + more)
    assert life.tell(4, resumed).state.due_at == due


def test_one_pause_after_another_is_counted_each_by_its_own_rule() -> None:
    life = Life(pause="restart")
    life.tell(4, "2026-11-04 08:00")
    life.tell(5, "2026-11-05 09:00")
    life.tell(6, "2026-11-09 09:00")
    assert WORKING.limit.value is not None
    assert life.tell(4, "2026-11-11 09:00").state.due_at == national().add_workdays(
        at("2026-11-09 09:00"), WORKING.limit.value + 2
    )


def test_a_plain_limit_may_be_read_as_working_days() -> None:
    value = PLAIN.limit.value
    assert value is not None
    plain = Life(PLAIN.code).tell(4, "2026-11-04 08:00").state.due_at
    worked = Life(PLAIN.code, plain_days="working").tell(4, "2026-11-04 08:00").state.due_at
    assert plain != worked
    assert worked == national().add_workdays(at("2026-11-03 09:12"), value)


def test_each_agency_has_its_own_hours() -> None:
    early = Terms(
        starter(), None, {"so xay dung": Office("Sở Xây dựng", morning="07:00-11:00", afternoon="13:30-16:30")}, {}
    )
    assert early.of(WORKING.code, "SỞ  XÂY DỰNG").calendar.hours.afternoon[1] == time(16, 30)
    assert early.of(WORKING.code, "Sở Y tế").calendar.hours.afternoon[1] == time(17, 0)
    police = early.of(WORKING.code, "Công an phường Trảng Dài").calendar
    assert police.work_starts(at("2026-11-21 08:00")) == at("2026-11-21 08:00"), "open on Saturday morning"


@pytest.mark.parametrize(
    ("due", "until"),
    [
        ("2026-12-02 17:00", "2026-12-01 17:00"),
        ("2026-11-30 09:12", "2026-11-27 09:12"),  # Monday: the Friday before
        ("2026-11-25 10:00", "2026-11-23 10:00"),  # 24 November is off
        ("2027-02-12 10:00", "2027-02-04 10:00"),  # Tết
    ],
)
def test_an_apology_is_due_a_day_before_on_a_working_day(due: str, until: str) -> None:
    assert apology_by(at(due), national()) == at(until)


@pytest.mark.parametrize(
    ("finished", "stands"),
    [
        ("2026-11-30 23:00", "early"),
        ("2026-12-01 08:00", "on_time"),
        ("2026-12-01 17:00", "on_time"),
        ("2026-12-01 17:01", "late"),
    ],
)
def test_a_result_is_early_on_time_or_late(finished: str, stands: str) -> None:
    assert result_stands(DUE["due_at"], at(finished)) == stands
    life = Life()
    life.tell(4, "2026-11-04 10:00", **DUE)
    step = life.tell(9, finished, **DUE)
    assert step.flags == {stands} - {"on_time"}
    later = life.tell(10, "2026-12-20 08:00", **DUE)
    assert (later.state.finished_at, later.flags) == (at(finished), set()), "fetching it late is not the office's delay"


def test_a_dossier_at_work_stands_as_its_clock_does() -> None:
    due = DUE["due_at"]
    before, after = due - timedelta(hours=1), due + timedelta(hours=1)
    assert timeliness(4, due, None, before) == "running"
    assert timeliness(4, due, None, after) == "overdue"
    assert {timeliness(status, due, None, after) for status in (5, 6, 8)} == {"paused"}
    assert timeliness(3, due, None, after) == "ended"
    assert timeliness(1, due, None, after) == "unknown"


def test_an_unknown_procedure_is_kept_and_flagged_until_it_is_known() -> None:
    life = Life()
    life.procedure = "9.999999"
    assert life.tell(4, "2026-11-04 10:00").state.flags == {"unknown_procedure"}
    life.procedure = WORKING.code
    assert life.tell(4, "2026-11-04 11:00").state.flags == set()


@given(MOMENTS, MOMENTS, MOMENTS, st.sampled_from(["working_day", "working_hour", "same_day", "calendar_day"]))
def test_a_pause_never_takes_time_away(due: datetime, one: datetime, other: datetime, unit: Any) -> None:
    first, last = sorted((one, other))
    calendar = national()
    moved = shifted(due, unit, first, last, calendar)
    assert moved >= due
    if unit != "calendar_day":
        assert calendar.open_between(due, moved) == calendar.open_between(first, last)


@given(MOMENTS, MOMENTS)
def test_open_time_adds_up_and_back(one: datetime, other: datetime) -> None:
    calendar = national()
    first, last = sorted((one, other))
    passed = calendar.open_between(first, last)
    assert calendar.open_between(last, first) <= passed
    assert calendar.work_starts(calendar.add_open(first, passed)) == calendar.work_starts(last) or passed == timedelta(
        0
    )


@given(MOMENTS)
def test_an_apology_lies_at_least_a_day_before(due: datetime) -> None:
    assert due - apology_by(due, national()) >= timedelta(days=1)


def test_the_term_of_an_unknown_procedure_has_no_appointment() -> None:
    assert Term(None, national(), Counted("x")).due(at("2026-11-03 09:12")) is None
