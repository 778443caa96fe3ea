"""What must not be read as words: dossier codes, phone and card numbers, plates, numbers of documents and cases, dates.

Taken out of the cleaned text before marks are folded or short forms written out; a mark such as `<phone>` stays in its place. ID-card
numbers are masked here, at once: nothing behind this file sees one.
"""

import re
from collections.abc import Callable
from datetime import date

import msgspec

from govchat.kit.text import clean

Span = tuple[int, int]


class FoundCodes(msgspec.Struct, frozen=True):
    """What a code finder saw: keys of whole codes, the spans of what it read, whether pieces of codes are there as well."""

    keys: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    pieces: bool = False


# Finds dossier codes in a cleaned text. The room that keeps dossiers knows their shapes; it is handed in.
CodeFinder = Callable[[str], FoundCodes]


def no_codes(_text: str) -> FoundCodes:
    """The finder of a house without dossiers."""
    return FoundCodes()


class Slots(msgspec.Struct, frozen=True):
    """What stood in the message beside its words. Phone numbers are whole and personal: never log them; card numbers are masked."""

    codes: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    id_numbers: tuple[str, ...] = ()
    plates: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    dates: tuple[date, ...] = ()


class Protected(msgspec.Struct, frozen=True):
    """`text` with marks in place of what was taken out; `pieces` when something looked like part of a dossier code."""

    text: str
    slots: Slots
    pieces: bool = False


_CASE = re.compile(r"(?<![\w])(?:KN|TC|PA|PAKN)[ -]?20\d\d[ -]?\d{3,8}(?!\w)", re.IGNORECASE)
_DOCUMENT = re.compile(
    r"(?<![\w/.])(\d{1,5}(?:/20\d\d)?/(?=[^\W\d_]{2})[^\W\d_][\w]{1,12}(?:-[^\W\d_][\w&]{0,14}){0,4})(?!\w)",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<![\w.])(?:\+?84|0)(?:[ .-]?\d){9}(?!\w)(?![.-]\d)")
_ID = re.compile(r"(?<![\w.])(?:\d{12}|\d{9}|\d{3}[ .]\d{3}[ .]\d{3}[ .]\d{3})(?!\w)(?![.-]\d)")
_PLATE = re.compile(
    r"(?<![\w.])(\d{2} ?-? ?(?:[A-HK-NPR-VX-Z][A-Z0-9]?|MĐ\d?)[ -]{0,3}(?:\d{3}\.\d{2}|\d{4,5}))(?!\w)(?![.-]\d)",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?<![\w/.-])(\d{1,2})[/.-](\d{1,2})[/.-]((?:20)?\d{2})(?![\w/-])")
_SHORT_DATE = re.compile(r"(?<![\w/.-])([0-3]?\d)/([01]?\d)(?![\w/-])")


def protect(text: str, find_codes: CodeFinder = no_codes) -> Protected:
    """Take out of `text` (any text; it is cleaned here) what is no word; linear in the text."""
    text = clean(text)
    found = find_codes(text)
    taken: list[tuple[int, int, str]] = [(first, last, "<code>") for first, last in found.spans]
    if not any(map(str.isdecimal, text)):  # everything below has a digit
        return Protected(_with_marks(text, taken), Slots(codes=found.keys), found.pieces)
    cases = _take(text, _CASE, "<case>", taken)
    documents = _take(text, _DOCUMENT, "<document>", taken)
    phones = _take(text, _PHONE, "<phone>", taken)
    ids = _take(text, _ID, "<id>", taken)
    plates = _take(text, _PLATE, "<plate>", taken)
    dates = tuple(day for day in map(_day, _take(text, _DATE, "<date>", taken)) if day)
    _take(text, _SHORT_DATE, "<date>", taken)
    slots = Slots(
        codes=found.keys,
        phones=tuple(dict.fromkeys(_phone(phone) for phone in phones)),
        id_numbers=tuple(dict.fromkeys(_masked(number) for number in ids)),
        plates=tuple(dict.fromkeys(re.sub(r"[ .-]", "", plate).upper() for plate in plates)),
        documents=tuple(dict.fromkeys(document.upper() for document in documents)),
        cases=tuple(dict.fromkeys(case.upper() for case in cases)),
        dates=dates,
    )
    return Protected(_with_marks(text, taken), slots, found.pieces)


def _take(text: str, shape: re.Pattern[str], mark: str, taken: list[tuple[int, int, str]]) -> list[str]:
    kept = []
    for match in shape.finditer(text):
        first, last = match.span()
        if all(last <= start or first >= end for start, end, _ in taken):
            taken.append((first, last, mark))
            kept.append(match[0])
    return kept


def _with_marks(text: str, taken: list[tuple[int, int, str]]) -> str:
    """The text with its marks; angle brackets that were typed are no marks."""
    pieces: list[str] = []
    position = 0
    for first, last, mark in sorted(taken):
        pieces += [_plain(text[position:first]), f" {mark} "]
        position = last
    pieces.append(_plain(text[position:]))
    return " ".join("".join(pieces).split())


def _plain(text: str) -> str:
    return text.replace("<", " ").replace(">", " ")


def _phone(typed: str) -> str:
    digits = re.sub(r"\D", "", typed)
    return "0" + digits[2:] if digits.startswith("84") and len(digits) == 11 else digits


def _masked(typed: str) -> str:
    digits = re.sub(r"\D", "", typed)
    return "*" * (len(digits) - 3) + digits[-3:]


def _day(written: str) -> date | None:
    day, month, year = (int(part) for part in re.split(r"[/.-]", written))
    try:
        return date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None
