"""Sample dossiers for every province, made from real procedures and synthetic people, for `up`, `seed` and load tests.

Pure and deterministic: the same province gets the same dossiers on every machine, sample number i does not depend on how
many are made. The shape is the body of `PUT /v1/dossiers/{code}`.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import msgspec

from govchat.dossiers.deadline import due_at
from govchat.kit.clock import VN
from govchat.kit.workdays import ONE_DAY, Calendar, national
from govchat.local.people import PEOPLE_PER_PROVINCE, Applicant, officer, person
from govchat.local.places import COMMUNES, Office, office_of
from govchat.procedures.catalogue import Procedure, starter

# The README's first example asks for this dossier: its number, reception and secret never move.
FIRST_TAIL, FIRST_RECEIVED, FIRST_SECRET = ("261103", 7), datetime(2026, 11, 3, 9, 12, tzinfo=VN), "K7PX"
FIRST_PROCEDURE = "1.013978"

# No sample happens after this day, so that whoever starts the product later sees the same dossiers.
LATEST = date(2026, 11, 22)

# Looked-up secrets leave out what is mistaken for something else on paper: 0 O, 1 I L, 2 Z, 5 S, 8 B.
_SIGNS = "ACDEFGHJKMNPQRTUVWXY34679"

_WORKDAYS_BACK, _OFFICERS_EACH = 120, 3

# Weeks without a holiday before the mergers of July 2025, for dossiers that keep the code of a province that was absorbed.
_LEGACY_DAYS = (date(2025, 5, 5), date(2025, 6, 20))

# One round of statuses (national list 1–10) as an ordinary month would show them; the first twelve hold every status.
# "late" runs over its limit, "late done" was answered after it.
_ROUND = (
    (4, ""), (2, ""), (10, ""), (5, ""), (9, ""), (6, ""), (4, "late"), (1, ""), (3, ""), (8, ""), (7, ""), (10, "late"),
    (4, ""), (9, ""), (10, ""), (4, ""), (5, ""), (10, ""), (4, "late"), (2, ""), (10, ""), (9, "late"), (4, ""), (10, ""),
)  # fmt: skip

# Statuses for which no appointment exists: registered but not accepted, and refused.
_WITHOUT_APPOINTMENT = (1, 3)


class Handler(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who works on the dossier."""

    unit: str
    officer: str


class Result(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A paper the citizen gets; the address ends in `.example`, which nobody owns."""

    name: str
    url: str


class SampleDossier(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A dossier (hồ sơ) as a one-stop system would push it, with its code."""

    code: str
    procedure_code: str
    applicant: Applicant
    lookup_secret: str
    received_at: datetime
    due_at: datetime | None
    status: int
    status_note: str
    handler: Handler
    changed_at: datetime
    results: tuple[Result, ...]


class _Pick(NamedTuple):
    """A procedure fit for samples, with its limit in working days, rounded down."""

    procedure: Procedure
    days: int
    office: Office


def samples(
    slug: str, own_h_code: str, absorbed_h_codes: Sequence[str], today: date, count: int = 24
) -> list[SampleDossier]:
    """The first `count` sample dossiers of a province; see `generate`."""
    return list(generate(slug, own_h_code, absorbed_h_codes, today, count))


def generate(
    slug: str, own_h_code: str, absorbed_h_codes: Sequence[str], today: date, count: int
) -> Iterator[SampleDossier]:
    """Sample dossiers one by one, with distinct codes, none later than the last working day before `today` or 22/11/2026.

    The first is always `<own H>.12-261103-0007`, secret K7PX; then one for every absorbed province's code; then the province's
    own in rounds that hold all ten statuses. Raises ValueError for an H code that is none.
    """
    if count < 1:
        return
    maker = _Maker(slug, own_h_code, min(today, LATEST))
    yield maker.first()
    for number in range(1, count):
        if number <= len(absorbed_h_codes):
            yield maker.legacy(number, absorbed_h_codes[number - 1])
        else:
            yield maker.ordinary(number, number - 1 - len(absorbed_h_codes))


class _Maker:
    """The state of one run: working days to choose from, the numbers given out, and chance that is none."""

    def __init__(self, slug: str, h_code: str, today: date) -> None:
        self.slug, self.h_code = slug, h_code
        self.calendar = national()
        self.days = _past_workdays(self.calendar, today)
        self.picks = _picks()
        self.slow = [pick for pick in self.picks if pick.days >= 3]
        self.paid = [pick for pick in self.slow if pick.procedure.fee.amount != 0]
        self.with_results = [pick for pick in self.picks if pick.procedure.results]
        self.sequence: dict[str, int] = {}
        self.handlers: dict[tuple[str, int], Handler] = {}
        # Not for secrets: the same slug has to give the same dossiers everywhere.
        self.chance = random.Random(f"govchat samples {slug}")  # noqa: S311

    def first(self) -> SampleDossier:
        pick = next(pick for pick in self.picks if pick.procedure.code == FIRST_PROCEDURE)
        prefix, number = f"{self.h_code}.12-{FIRST_TAIL[0]}", FIRST_TAIL[1]
        self.sequence[prefix] = number
        received = FIRST_RECEIVED
        changed = max(
            received, min(received + timedelta(days=13, hours=1), datetime.combine(self.days[-1], time(15, 20), VN))
        )
        return self._dossier(
            f"{prefix}-{number:04d}",
            pick,
            applicant=self._person(0),
            secret=FIRST_SECRET,
            received=received,
            changed=changed,
            status=4,
            due=due_at(pick.procedure, received, self.calendar),
        )

    def legacy(self, number: int, h_code: str) -> SampleDossier:
        """A dossier of an absorbed province, long done: its code must still be found."""
        pick = self.with_results[self._below(len(self.with_results))]
        start, end = _LEGACY_DAYS
        day = self.calendar.next_workday(start + ONE_DAY * self._below((end - start).days))
        received = self._at(day)
        done = self.calendar.add_workdays(received, max(1, pick.days - 1))
        code = self._code(h_code, pick.office.number(self.slug, 0), day)
        applicant = person(h_code, self._number(number))
        return self._dossier(
            code,
            pick,
            applicant=applicant,
            secret=self._secret(),
            received=received,
            changed=done,
            status=10,
            due=due_at(pick.procedure, received, self.calendar),
        )

    def ordinary(self, number: int, place: int) -> SampleDossier:
        status, mood = _ROUND[place % len(_ROUND)]
        pool = self.paid if status == 6 else self.with_results if status >= 9 else self.slow
        pick = pool[self._below(len(pool))]
        late = mood == "late"
        at = len(self.days) - 1 - self._age(status, pick.days, late)
        received = self._at(self.days[at])
        due = None if status in _WITHOUT_APPOINTMENT else due_at(pick.procedure, received, self.calendar)
        changed = self._changed(at, received, due, status, late)
        commune = self._below(len(COMMUNES))
        code = self._code(self.h_code, pick.office.number(self.slug, commune), self.days[at])
        return self._dossier(
            code,
            pick,
            applicant=self._person(number),
            secret=self._secret(),
            received=received,
            changed=changed,
            status=status,
            due=due,
            commune=commune,
            late=late,
        )

    def _dossier(
        self,
        code: str,
        pick: _Pick,
        *,
        applicant: Applicant,
        secret: str,
        received: datetime,
        changed: datetime,
        status: int,
        due: datetime | None,
        commune: int = 0,
        late: bool = False,
    ) -> SampleDossier:
        procedure = pick.procedure
        results: tuple[Result, ...] = ()
        if status >= 9:
            name = procedure.results[0] if procedure.results else procedure.name
            results = (Result(name=name, url=f"https://dichvucong.example/ket-qua/{code}"),)
        return SampleDossier(
            code=code,
            procedure_code=procedure.code,
            applicant=applicant,
            lookup_secret=secret,
            received_at=received,
            due_at=due,
            status=status,
            status_note=_note(status, procedure, late, self._below(1 << 16)),
            handler=self._handler(pick.office, commune),
            changed_at=changed,
            results=results,
        )

    def _age(self, status: int, days: int, late: bool) -> int:
        """Working days since the reception, at the last day to choose."""
        if status in (1, 2):
            return self._below(2)
        if late:
            # Calendar limits are counted in working days rounded down: three more are surely over, whatever fell between.
            return min(days + 4 + self._below(6), len(self.days) - 1)
        if status == 4:
            return 1 + self._below(min(days, len(self.days)) - 1)
        oldest = {3: 15, 5: days + 3, 6: days + 3, 7: 30, 8: days + 10, 9: days + 8, 10: 70}[status]
        return 1 + self._below(min(max(oldest, 2), len(self.days) - 1))

    def _changed(self, at: int, received: datetime, due: datetime | None, status: int, late: bool) -> datetime:
        """When the last change was: in time when the dossier is in time, after the appointment when it is late."""
        first, last = at, len(self.days) - 1
        if status in (1, 2):
            return received + timedelta(minutes=1 + self._below(20))
        if status == 3:  # refused within three working days of the reception
            last = min(at + 3, last)
        elif due is not None:
            end = bisect_right(self.days, due.date()) - 1
            if late:
                first = min(end + 1, last)
            elif status >= 9:
                last = max(at, min(end - 1, last))
                first = (at + last + 1) // 2
            elif status == 8:
                first = (at + last + 1) // 2
        day = self.days[first + self._below(last - first + 1)]
        return self._at(day) if day > received.date() else received.replace(hour=16, minute=20 + self._below(35))

    def _handler(self, office: Office, commune: int) -> Handler:
        """One of the office's few officers, so that a unit is always worked by the same people."""
        number, one = office.number(self.slug, commune), self._below(_OFFICERS_EACH)
        key = (office.title + number, one)
        if key not in self.handlers:
            seed = (int(self.h_code[1:]) * 1000 + int(number)) * _OFFICERS_EACH + one
            self.handlers[key] = Handler(unit=office.name(self.slug, commune), officer=officer(seed))
        return self.handlers[key]

    def _code(self, h_code: str, office: str, day: date) -> str:
        prefix = f"{h_code}.{office}-{day:%y%m%d}"
        number = self.sequence.get(prefix)
        number = self.sequence[prefix] = 1 + self._below(40) if number is None else number + 1
        return f"{prefix}-{number:04d}"

    def _at(self, day: date) -> datetime:
        """A moment in office hours that leaves half an hour before lunch or close."""
        minute = self._below(390)
        opened = 455 if minute < 205 else 580  # 07:35–11:00 and 13:05–16:10
        return datetime(day.year, day.month, day.day, (opened + minute) // 60, (opened + minute) % 60, tzinfo=VN)

    def _person(self, number: int) -> Applicant:
        return person(self.h_code, self._number(number))

    @staticmethod
    def _number(number: int) -> int:
        # A step that shares no divisor with the size visits everybody once before anybody twice.
        return (number * 7919 + 2718) % PEOPLE_PER_PROVINCE

    def _secret(self) -> str:
        drawn, size = self._below(len(_SIGNS) ** 4), len(_SIGNS)
        return (
            _SIGNS[drawn % size]
            + _SIGNS[drawn // size % size]
            + _SIGNS[drawn // size**2 % size]
            + _SIGNS[drawn // size**3]
        )

    def _below(self, limit: int) -> int:
        # `random()` is the one draw whose sequence Python promises to keep over its versions.
        return int(self.chance.random() * limit)


def _past_workdays(calendar: Calendar, today: date) -> list[date]:
    days: list[date] = []
    day = today
    while len(days) < _WORKDAYS_BACK:
        day -= ONE_DAY
        if calendar.is_workday(day):
            days.append(day)
    return days[::-1]


def _picks() -> list[_Pick]:
    """Procedures that a province handles, whose code is confirmed: never petitions, whose people the law protects."""
    found = []
    for procedure in starter():
        office = office_of(procedure)
        if procedure.code_certainty == "confirmed" and office is not None and procedure.limit.value is not None:
            value, unit = procedure.limit.value, procedure.limit.unit
            days = value * 5 // 7 if unit == "calendar_day" else 1 if unit == "working_hour" else value
            found.append(_Pick(procedure, days, office))
    return found


def _note(status: int, procedure: Procedure, late: bool, chance: int) -> str:
    if late and status == 4:
        return "Hồ sơ quá hạn, cơ quan đang hoàn tất thẩm định và xin lỗi vì sự chậm trễ"
    if late:
        return "Đã có kết quả, trả chậm so với ngày hẹn"
    if status == 5:
        return f"Đề nghị bổ sung: {procedure.documents[chance % len(procedure.documents)]}"
    choices = _NOTES[status]
    return choices[chance % len(choices)]


_NOTES: dict[int, tuple[str, ...]] = {
    1: ("Hồ sơ nộp trực tuyến, chờ bộ phận một cửa kiểm tra", "Đã nhận thông tin đăng ký, chờ tiếp nhận"),
    2: ("Đã tiếp nhận, chuyển bộ phận chuyên môn", "Hồ sơ đầy đủ, đã cấp giấy hẹn trả kết quả"),
    3: (
        "Từ chối tiếp nhận: hồ sơ không thuộc thẩm quyền giải quyết của cơ quan này",
        "Từ chối tiếp nhận: thông tin trong tờ khai không khớp với dữ liệu dân cư",
    ),
    4: (
        "Đang thẩm định hồ sơ",
        "Đang xác minh thông tin",
        "Đang lấy ý kiến cơ quan phối hợp",
        "Đang trình lãnh đạo ký",
    ),
    6: ("Đã phát hành thông báo phí, lệ phí; chờ nộp tiền", "Chờ thực hiện nghĩa vụ tài chính theo thông báo"),
    7: ("Người nộp đề nghị rút hồ sơ", "Đã rút hồ sơ theo đơn đề nghị"),
    8: ("Dừng xử lý: quá thời hạn bổ sung giấy tờ", "Dừng xử lý: chờ kết quả giải quyết tranh chấp có liên quan"),
    9: ("Đã có kết quả, mời đến nhận tại bộ phận một cửa", "Kết quả đã ký, chờ trả cho người nộp"),
    10: ("Đã trả kết quả trực tiếp", "Đã trả kết quả qua dịch vụ bưu chính", "Đã trả kết quả bản điện tử"),
}
