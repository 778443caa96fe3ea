"""Dossier codes (mã số hồ sơ) in every shape people type them, and the one key they are stored and found by.

From a message or a one-stop system's record to `DossierCode.key`. The legal shape is a unit code, the day of reception as YYMMDD
and the number within that day. The key writes the unit in upper case with dots, "-" around the date, and the number
with at least four digits: `…-7`, `…-0007` and `…-00007` are therefore one dossier. Groups of the unit keep their zeros (`H26.07` is
not `H26.7`), and the old unit order (`000.00.19.H47`) stays a key of its own: nothing published says that renumbered units kept
their place in the tree.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import ClassVar, Literal

import msgspec

from govchat.errors import DomainError
from govchat.kit.text import clean

Span = tuple[int, int]

EXAMPLE = "H19.12-261103-0007"
_LONGEST = 64  # a code with every group at its widest and three separators between groups
_FIRST_YEAR = 2015  # a lone tail with an earlier year is a phone or card number, not a dossier

# O for 0 and I or l for 1 are mended inside digit groups, each of which must hold a real digit as well.
_D = "[0-9OoIiLl]"
_SEP = r"[ .\-_/,:]{1,3}"
_CODE = re.compile(
    rf"(?<![0-9])(?:(?P<known>[HhGg])[ .]?|(?<![^\W\d_])(?P<other>[A-FJKMNP-Za-fjkmnp-z]))"
    rf"(?P<pair>{_D}{{2}})(?P<glued>{_D}{{1,3}})?(?P<groups>(?:{_SEP}{_D}{{1,4}}){{0,4}})"
    rf"{_SEP}(?P<date>{_D}{{6}}){_SEP}(?P<number>{_D}{{1,6}})(?![0-9])"
)
_BEFORE_OLD = re.compile(rf"(?:^|[^0-9A-Za-z.\-])((?:{_D}{{1,7}}[ .\-_]{{1,3}}){{1,3}})$")
_TAIL = re.compile(
    rf"(?<![0-9A-Za-z])(?<![0-9][ .\-])(?P<date>[1-9]{_D}{{5}})(?P<sep>[ .\-_]{{1,3}})(?P<number>{_D}{{1,6}})(?![0-9A-Za-z])(?! ?/)"
)
_BROKEN = re.compile(rf"(?<![0-9A-Za-z.])[HhGg]{_D}{{2}}(?:[ .\-_]{{1,2}}[0-9]{{1,12}}){{1,5}}")


class CodeInvalid(DomainError):
    """A text that should be one dossier code is none."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "dossier_code_invalid"
    title: ClassVar[str] = "The dossier code is not valid"


class DossierCode(msgspec.Struct, frozen=True):
    """One code: `text` as typed, `key` as stored, and what it says (`letter_code` is H19, G01 …)."""

    text: str
    key: str
    unit: str
    letter_code: str
    received_on: date
    number: int


class Misdated(msgspec.Struct, frozen=True):
    """A code whose date can't be: no such day, or a day still to come. `written` is the date as YYMMDD."""

    text: str
    key: str
    letter_code: str
    written: str
    why: Literal["impossible", "future"]


class CodesFound(msgspec.Struct, frozen=True):
    """What `find_codes` saw in a message; spans count in `text`, which is the message cleaned.

    `tails` are ends like 251103-0007 whose unit is missing, `broken` what begins like a code and is none. `before` and `rest` are the
    words before the first and after the last code, `around` all words that are no code; without a code everything is `before`.
    """

    text: str
    codes: tuple[DossierCode, ...] = ()
    misdated: tuple[Misdated, ...] = ()
    tails: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    before: str = ""
    rest: str = ""
    around: str = ""

    @property
    def anything(self) -> bool:
        return bool(self.codes or self.misdated or self.tails or self.broken)


class _Reading(msgspec.Struct, frozen=True):
    """A match of the shape, its digits mended, its date not yet judged."""

    span: Span
    unit: str
    letter_code: str
    written: str
    number: int

    @property
    def key(self) -> str:
        return f"{self.unit}-{self.written}-{self.number:04d}"


def find_codes(text: str, today: date) -> CodesFound:
    """Every dossier code in a message, dates judged against `today` (in Vietnam). Never raises; linear in the text."""
    text = clean(text)
    codes: dict[str, DossierCode] = {}
    misdated: dict[str, Misdated] = {}
    spans: list[Span] = []
    for reading in _readings(text):
        spans.append(reading.span)
        typed = text[slice(*reading.span)]
        received_on = _day(reading.written)
        if received_on is None or received_on > today:
            why: Literal["impossible", "future"] = "future" if received_on else "impossible"
            misdated.setdefault(reading.key, Misdated(typed, reading.key, reading.letter_code, reading.written, why))
        else:
            code = DossierCode(typed, reading.key, reading.unit, reading.letter_code, received_on, reading.number)
            codes.setdefault(reading.key, code)
    gaps = list(_gaps(text, spans))
    tails = [tail for first, last in gaps for tail in _tails(text[first:last], today)]
    broken = (
        () if spans or tails else (found[0] for found in _BROKEN.finditer(text) if sum(map(str.isdigit, found[0])) >= 6)
    )
    return CodesFound(
        text=text,
        codes=tuple(codes.values()),
        misdated=tuple(misdated.values()),
        tails=tuple(dict.fromkeys(tails)),
        broken=tuple(dict.fromkeys(broken)),
        spans=tuple(spans),
        before=text[slice(*gaps[0])].strip(),
        rest=text[slice(*gaps[-1])].strip() if spans else "",
        around=" ".join(text[slice(*gap)].strip() for gap in gaps).strip(),
    )


def parse(code: str) -> DossierCode:
    """Read one code and nothing else, leniently about separators, widths and depth.

    A day to come is accepted, because a sender's clock may run ahead. Raises `CodeInvalid`, which says what is wrong.
    """
    text = clean(code)
    shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    if not text:
        raise CodeInvalid(f"dossier code is empty: expected unit, day of reception and number, such as {EXAMPLE}")
    readings = list(_readings(text)) if len(text) <= _LONGEST else []
    if not readings or readings[0].span != (0, len(text)):
        raise CodeInvalid(
            f'dossier code "{shown}": expected one code of unit, day of reception (YYMMDD) and number of 1 to 6 digits, '
            f"such as {EXAMPLE} or 000.00.19.H47-260105-0001"
        )
    reading = readings[0]
    received_on = _day(reading.written)
    if received_on is None:
        raise CodeInvalid(
            f'dossier code "{shown}": "{reading.written}" is no day; expected the day of reception as YYMMDD, such as 261103'
        )
    return DossierCode(text, reading.key, reading.unit, reading.letter_code, received_on, reading.number)


def normalise(code: str) -> str:
    """The key by which the dossier with this code is stored and looked up; raises `CodeInvalid`."""
    return parse(code).key


def _readings(text: str) -> Iterator[_Reading]:
    position = 0
    while found := _CODE.search(text, position):
        reading = _read(text, found, position)
        if reading is None:
            position = found.start() + 1
        else:
            position = reading.span[1]
            yield reading


def _read(text: str, found: re.Match[str], not_before: int) -> _Reading | None:
    pair, written = _digits(found["pair"]), _digits(found["date"], at_least=3)
    groups = [_digits(group) for group in re.split(_SEP, found["groups"]) if group]
    if found["glued"]:
        groups.insert(0, _digits(found["glued"]))
    end, number = _number(text, found)
    if not (pair and written and number) or None in groups:
        return None
    letter_code = (found["known"] or found["other"]).upper() + pair
    unit = ".".join((letter_code, *(group for group in groups if group)))
    start = found.start()
    old = None if groups else _old_order(text, start, not_before)
    if old:
        start, above = old
        unit = f"{above}.{letter_code}"
    return _Reading((start, end), unit, letter_code, written, int(number))


def _number(text: str, found: re.Match[str]) -> tuple[int, str | None]:
    """Where the last group ends, and its digits: letters that run on ("0007lam", "0007oi") are words, not digits."""
    typed, end = found["number"], found.end("number")
    if text[end : end + 1].isalpha() or typed.lower().endswith("oi"):
        kept = typed.rstrip("OoIiLl")
        end -= len(typed) - len(kept)
        typed = kept
    return end, _digits(typed)


def _digits(typed: str, at_least: int = 1) -> str | None:
    """A digit group with look-alike letters mended; None when too few of its characters are digits."""
    if sum(map(str.isdigit, typed)) < at_least:
        return None
    return typed.translate(_MENDED)


_MENDED = str.maketrans("OoIiLl", "001111")


def _old_order(text: str, start: int, not_before: int) -> tuple[int, str] | None:
    """The groups that stand before `H19` in the old unit order: where they start, and they themselves with dots."""
    first = max(not_before, start - 26)
    found = _BEFORE_OLD.search(text[first:start])
    if not found:
        return None
    groups = [_digits(group) for group in re.split(r"[ .\-_]+", found[1]) if group]
    joined = "".join(group or "?" for group in groups)
    if "?" in joined:
        return None
    if len(joined) == 7 and [len(group or "") for group in groups] in ([3, 2, 2], [5, 2], [3, 4], [7]):
        return first + found.start(1), f"{joined[:3]}.{joined[3:5]}.{joined[5:]}"
    if len(groups) > 1 and " " not in found[1].rstrip() and all(len(group or "") <= 3 for group in groups):
        return first + found.start(1), ".".join(group or "" for group in groups)
    return None


def _day(written: str) -> date | None:
    try:
        return date(2000 + int(written[:2]), int(written[2:4]), int(written[4:]))
    except ValueError:
        return None


def _gaps(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    position = 0
    for first, last in spans:
        yield position, first
        position = last
    yield position, len(text)


def _tails(text: str, today: date) -> Iterator[str]:
    for found in _TAIL.finditer(text):
        written, number = _digits(found["date"], at_least=4), _digits(found["number"])
        day = _day(written) if written else None
        if day is None or number is None or day.year < _FIRST_YEAR:
            continue
        # Two numbers with only a blank between them are a tail when the second is long enough to be meant as one; a day to
        # come is believed to be a slip only in the very shape of a receipt.
        plain = found["sep"] != " " or len(number) >= 3
        exact = found["sep"].strip() == "-" and len(number) == 4
        if plain and (day <= today or exact):
            yield f"{written}-{int(number):04d}"
