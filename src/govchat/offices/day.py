"""Which day somebody asks about when they ask whether an office is open: "thứ 7", "mai", "30/4", "tết". Pure, in Vietnamese dates."""

import re
from datetime import date, timedelta

from govchat.kit.phrases import phrases
from govchat.kit.text import clean, fold
from govchat.offices.hours import holidays_ahead
from govchat.tenants.schema import Manifest

_WEEKDAYS = {"2": 0, "hai": 0, "3": 1, "ba": 1, "4": 2, "tu": 2, "5": 3, "nam": 3, "6": 4, "sau": 4, "7": 5, "bay": 5}
ROOM = "govchat.offices"
_WEEKDAY = re.compile(r"\b(?:thu\s*|t)(2|3|4|5|6|7)\b|\bthu\s+(hai|ba|tu|nam|sau|bay)\b")
_SUNDAY = re.compile(r"\bchu nhat\b|\bcn\b")
_DATE = re.compile(r"\b(\d{1,2})\s*(?:[/.-]|thang)\s*(\d{1,2})(?:\s*(?:[/.-]|nam)\s*(\d{4}))?\b")
_NEXT_WEEK = re.compile(r"\btuan sau\b|\btuan toi\b")
# What people call a holiday, and what its name in the calendar holds.
_HOLIDAYS = (
    ("tet duong lich", "tet duong lich"), ("tet tay", "tet duong lich"), ("tet", "tet nguyen dan"), ("gio to", "gio to"),
    ("quoc khanh", "quoc khanh"), ("giai phong", "chien thang"), ("quoc te lao dong", "lao dong"),
)  # fmt: skip
_YEAR_AHEAD = 400


def asked_day(manifest: Manifest, words: str, today: date) -> date | None:
    """The day that `words` ask about, on or after today; None when they name none."""
    said = fold(clean(words, 200))
    if (found := _DATE.search(said)) is not None:
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
    return _holiday(manifest, said, today)


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


def _holiday(manifest: Manifest, said: str, today: date) -> date | None:
    wanted = next((name for phrase, name in _HOLIDAYS if re.search(rf"\b{phrase}\b", said)), None)
    if wanted is None:
        return None
    return next((one.day for one in holidays_ahead(manifest, today, _YEAR_AHEAD) if wanted in fold(one.name)), None)
