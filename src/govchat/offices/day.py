"""Which day somebody asks about when they ask whether an office is open: "thứ 7", "mai", "30/4", "mùng 2 tết", and which part of it.

Pure, in Vietnamese dates.
"""

import re
from datetime import date, timedelta

from govchat.kit.phrases import phrases
from govchat.kit.text import clean, fold
from govchat.offices.hours import ONE_DAY, Why, holidays_ahead
from govchat.tenants.schema import Manifest

_WEEKDAYS = {"2": 0, "hai": 0, "3": 1, "ba": 1, "4": 2, "tu": 2, "5": 3, "nam": 3, "6": 4, "sau": 4, "7": 5, "bay": 5}
ROOM = "govchat.offices"
_WEEKDAY = re.compile(r"\b(?:thu\s*|t)(2|3|4|5|6|7)\b|\bthu\s+(hai|ba|tu|nam|sau|bay)\b")
_SUNDAY = re.compile(r"\bchu nhat\b|\bcn\b")
_DATE = re.compile(r"\b(\d{1,2})\s*(?:[/.-]|thang)\s*(\d{1,2})(?:\s*(?:[/.-]|nam)\s*(\d{4}))?\b")
_NEXT_WEEK = re.compile(r"\btuan sau\b|\btuan toi\b")
# "ngày 25" names no month; "25 ngày" and "ngày 2 buổi" name no day.
_OF_MONTH = re.compile(r"(?<!may )(?<!\d )\bngay\s+(\d{1,2})\b(?!\s*(?:[/.-]\s*\d|thang|ngay|buoi|lan|gio|nguoi))")
# Days of the lunar new year, which people count from its first.
_TET_DAY = re.compile(r"\b(?:mung|mong|mun)\s*(\d{1,2}|mot|hai|ba|bon|nam|sau|bay|tam|chin|muoi)\b")
_BEFORE_TET = re.compile(r"\b(2[3-9]|30)\s*(?:tet|am lich|thang chap|chap)\b")
_COUNTED = {"mot": 1, "hai": 2, "ba": 3, "bon": 4, "nam": 5, "sau": 6, "bay": 7, "tam": 8, "chin": 9, "muoi": 10}
_FIRST_OF_TET, _LAST_OF_YEAR = "mung 1 ", re.compile(r"\((29|30) thang chap\)")
# What people call a holiday, and what its name in the calendar holds; the last means whichever comes next.
_HOLIDAYS = (
    ("tet duong lich", "tet duong lich"), ("tet tay", "tet duong lich"), ("tet", "tet nguyen dan"), ("gio to", "gio to"),
    ("10/3 am", "gio to"), ("hung vuong", "gio to"), ("quoc khanh", "quoc khanh"), ("giai phong", "chien thang"),
    ("quoc te lao dong", "lao dong"), ("ngay van hoa", "van hoa"),
    ("nghi le", ""), ("ngay le", ""), ("dip le", ""), ("le nay", ""), ("le toi", ""), ("le sap toi", ""),
)  # fmt: skip
_PARTS = (
    ("noon", re.compile(r"\b(?:trua|nghi trua)\b")),
    (
        "evening",
        re.compile(r"\b(?:buoi toi|toi (?:nay|mai|thu|co|lam)|ngoai gio|ban dem|sau (?:17|5|6|18) ?(?:h|gio))\b"),
    ),
    ("afternoon", re.compile(r"\bchieu\b")),
    ("morning", re.compile(r"\b(?:buoi sang|sang (?:nay|mai|thu|t[2-7]|chu|som)|sang)\b")),
)
_YEAR_AHEAD = 400


def asked_day(manifest: Manifest, words: str, today: date) -> date | None:  # noqa: PLR0911 -- one way to say a day a line
    """The day that `words` ask about, on or after today; None when they name none."""
    said = fold(clean(words, 200))
    if (tet := _tet_day(manifest, said, today)) is not None:
        return tet
    if "10/3 am" not in said and (found := _DATE.search(said)) is not None:
        return _dated(int(found[1]), int(found[2]), int(found[3] or 0), today)
    for phrase, ahead in (
        ("ngay kia", 2),
        ("ngay mot", 2),
        ("ngay mai", 1),
        ("sang mai", 1),
        ("chieu mai", 1),
        ("hom nay", 0),
    ):
        if phrase in said:
            return today + timedelta(days=ahead)
    weekday = _weekday(said)
    if weekday is not None:
        day = today + timedelta(days=(weekday - today.weekday()) % 7)
        if _NEXT_WEEK.search(said) and day.isocalendar()[:2] == today.isocalendar()[:2]:
            day += timedelta(days=7)
        return day
    if re.search(r"\bmai\b", said):
        return today + timedelta(days=1)
    if (of_month := _OF_MONTH.search(said)) is not None:
        return _of_month(int(of_month[1]), today)
    return _holiday(manifest, said, today)


def asked_days(manifest: Manifest, words: str, today: date) -> list[date]:
    """The days that `words` ask about: both of a weekend, else the one of `asked_day`; empty when they name none."""
    day = asked_day(manifest, words, today)
    if day is None:
        return []
    weekend = day.weekday() == 5 and "cuoi tuan" in fold(clean(words, 200))
    return [day, day + ONE_DAY] if weekend else [day]


def asked_part(words: str) -> str:
    """The part of a day that `words` ask about: `morning`, `noon`, `afternoon`, `evening`; empty for the whole of it."""
    said = fold(clean(words, 200))
    return next((part for part, pattern in _PARTS if pattern.search(said)), "")


def spoken(day: date) -> str:
    """A day as people say it: "thứ bảy 28/11/2026"."""
    said = phrases(ROOM)
    return said["day"].format(weekday=said[f"weekday_{day.weekday()}"], date=f"{day:%d/%m/%Y}")


def _weekday(said: str) -> int | None:
    if (found := _WEEKDAY.search(said)) is not None:
        return _WEEKDAYS[found[1] or found[2]]
    if _SUNDAY.search(said):
        return 6
    return 5 if "cuoi tuan" in said else None


def _dated(day: int, month: int, year: int, today: date) -> date | None:
    for each in (year,) if year else (today.year, today.year + 1, today.year + 2, today.year + 3):
        try:
            found = date(each, month, day)
        except ValueError:
            continue
        if found >= today or year:
            return found
    return None


def _of_month(day: int, today: date) -> date | None:
    """The next day of that number, this month or in one that has it."""
    found = today
    for _ in range(62):
        if found.day == day:
            return found
        found += ONE_DAY
    return None


def _tet_day(manifest: Manifest, said: str, today: date) -> date | None:
    """ "mùng 2", "28 tết", "giao thừa": counted from the first day of the lunar year, as the calendar has it."""
    on = _TET_DAY.search(said)
    before = _BEFORE_TET.search(said) or re.search(r"\bgiao thua\b", said)
    if on is None and before is None:
        return None
    ahead = [one for one in holidays_ahead(manifest, today - timedelta(days=10), _YEAR_AHEAD) if one.name]
    for first in (one.day for one in ahead if _FIRST_OF_TET in f"{fold(one.name)} "):
        last = next(
            (found for one in ahead if one.day == first - ONE_DAY and (found := _LAST_OF_YEAR.search(fold(one.name)))),
            None,
        )
        day: date | None = first - ONE_DAY
        if on is not None:
            number = _COUNTED.get(on[1]) or int(on[1])
            day = first + timedelta(days=number - 1) if 1 <= number <= 15 else None
        elif before is not None and before.lastindex and last is not None:
            day = first - timedelta(days=int(last[1]) - int(before[1]) + 1)
        if day is not None and day >= today:
            return day
    return None


def _holiday(manifest: Manifest, said: str, today: date) -> date | None:
    wanted = next((name for phrase, name in _HOLIDAYS if re.search(rf"\b{phrase}\b", said)), None)
    if wanted is None:
        return None
    ahead = holidays_ahead(manifest, today, _YEAR_AHEAD)
    return next((one.day for one in ahead if wanted in fold(one.name) and (wanted or one.why is Why.HOLIDAY)), None)
