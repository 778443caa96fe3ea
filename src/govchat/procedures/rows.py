"""The lines of a catalogue file into drafts: one code each with what the line says of it and what is doubtful; or a reason why not.

Several lines of one code (the national export gives one a channel) become one draft whose differing figures stand side by side.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import msgspec

from govchat.kit.text import clean, fold
from govchat.procedures import figures
from govchat.procedures.catalogue import Flag, Limit, Variant
from govchat.procedures.cells import LONGEST_CELL
from govchat.procedures.flags import flag
from govchat.procedures.patch import Patch
from govchat.procedures.sheet import Sheet

NATIONAL = re.compile(r"[1-9]\.\d{6}", re.ASCII)
# With a province's suffix: `1.012753.H19`, `1.012753.000.00.00.H19`, and `.02` behind it for one variant of the service.
_PROVINCIAL = re.compile(r"([1-9]\.\d{6})(?:\.\d{2,3})*\.[A-Z]\d{2}(\.\d{1,3})?", re.ASCII)
# Codes that stand in the national database in spite of its own rule: `1.0133611`, `1.014955-Xoa`.
_IRREGULAR = re.compile(r"\d\.\d{3,12}(?:[.-][0-9A-Z]{1,12}){0,6}", re.ASCII)
_CUT_BY_EXCEL = re.compile(r"[1-9][.,]\d{1,6}")


class BadLine(msgspec.Struct, frozen=True):
    """A line that was left out: where, what it says, and why."""

    line: int
    column: str
    value: str
    reason: str


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of one procedure."""

    code: str
    line: int
    patch: Patch
    valid_from: date | None = None


class Refused(ValueError):
    """Why a line can't be taken; `field` says in which column."""

    def __init__(self, field: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.value, self.reason = field, value, reason


def key_of(code: str) -> str | None:
    """The code a procedure is kept under: national, unless a province's suffix names a variant; None when it is no code at all."""
    written = clean(code, 60).upper().replace(" ", "")
    if NATIONAL.fullmatch(written):
        return written
    if match := _PROVINCIAL.fullmatch(written):
        return written if match[2] else match[1]
    return written if _IRREGULAR.fullmatch(written) else None


def drafts_of(sheet: Sheet, known: Callable[[str], bool]) -> tuple[list[Draft], list[BadLine]]:
    """Every sound line, in the file's order, and every bad one. `known` tells whether a code stands in the catalogue already."""
    places = {column.field: index for index, column in enumerate(sheet.columns) if column.field}
    letters = {column.field: column.letter for column in sheet.columns if column.field}
    drafts: dict[str, Draft] = {}
    bad: list[BadLine] = []
    for line in sheet.lines:
        cells = {field: line.cells[index] for field, index in places.items() if index < len(line.cells)}
        try:
            _check(cells)
            draft = _draft(cells, line.number, known)
            drafts[draft.code] = _with_earlier(drafts[draft.code], draft) if draft.code in drafts else draft
        except Refused as refused:
            column = letters.get(refused.field, "")
            bad.append(BadLine(line.number, column, clean(refused.value, 200), refused.reason))
    return list(drafts.values()), bad


def _check(cells: dict[str, str]) -> None:
    for field, text in cells.items():
        if len(text) > LONGEST_CELL:
            raise Refused(
                field, text[:80], f"ô có {len(text):,} ký tự, nhiều hơn {LONGEST_CELL:,}: rút gọn hoặc tách ra"
            )
        # A spreadsheet's way to keep a code as text; anything else that is computed has no value here.
        start = text.lstrip()[:1]
        if start in ("=", "@") and not re.fullmatch(r'\s*="[^"]*"\s*', text):
            raise Refused(field, text, "ô là công thức: ghi giá trị thay cho công thức")
        if start == "=":
            cells[field] = text.strip()[2:-1]
        if text.startswith("#") and re.fullmatch(r"#(?:REF|N/A|VALUE|NAME|DIV/0|NUM|NULL)[!?]?", text.strip()):
            raise Refused(field, text, "ô là lỗi công thức của bảng tính: sửa công thức hoặc ghi giá trị")


def _draft(cells: dict[str, str], line: int, known: Callable[[str], bool]) -> Draft:
    code, flags = _code(cells.get("code", ""), known)
    said: dict[str, Any] = {}
    for field in ("official_name", "name", "issuer", "field", "decision", "source", "address", "opening_hours", "note"):
        if text := clean(cells.get(field, ""), 4000):
            said[field] = text
    for field, commas in (
        ("documents", False),
        ("results", False),
        ("legal_basis", True),
        ("aliases", True),
        ("agencies", False),
    ):
        if items := figures.items_of(cells.get(field, ""), commas=commas):
            said[field] = items
    for field, found in (
        ("levels", figures.levels_of(cells.get("levels", ""))),
        ("online", figures.online_of(cells.get("online", ""))),
        ("fee", figures.fee_of(cells.get("fee", ""), cells.get("charge", ""))),
        ("limit", _limit(cells)),
    ):
        flags += found.flags
        if found.value is not None:
            said[field] = found.value
    if channels := figures.channels_of(cells.get("channels", "")):
        said["channels"] = channels
    _switches(cells, said)
    return Draft(code=code, line=line, patch=Patch(**said, flags=tuple(flags)), valid_from=_valid_from(cells))


def _code(text: str, known: Callable[[str], bool]) -> tuple[str, tuple[Flag, ...]]:
    written = clean(text, 60)
    if not written:
        raise Refused("code", "", "thiếu mã thủ tục")
    key = key_of(written)
    if key is not None and NATIONAL.match(key) and (NATIONAL.fullmatch(key) or _PROVINCIAL.fullmatch(key)):
        return key, ()
    if _CUT_BY_EXCEL.fullmatch(written):
        whole = written.replace(",", ".")
        whole += "0" * (8 - len(whole))
        if NATIONAL.fullmatch(whole) and known(whole):
            return whole, (flag("code", "code_completed", written),)
        raise Refused(
            "code",
            written,
            f"mã thiếu chữ số, có thể bảng tính đã đổi {whole} thành số: định dạng cột mã là văn bản rồi nhập lại mã",
        )
    if key is not None:
        return key, (flag("code", "code_irregular", written),)
    raise Refused("code", written, "không phải mã thủ tục: mã có dạng 1.012753, chép lại từ cơ sở dữ liệu quốc gia")


def _limit(cells: dict[str, str]) -> figures.Read:
    """From a column of numbers and units, else from words, else from what stands under the channels."""
    words = figures.limit_of("\n".join(cells.get(field, "") for field in ("limit", "limit_note") if field == "limit"))
    columns = figures.limit_from_columns(cells.get("limit_value", ""), cells.get("limit_unit", ""))
    under = figures.limit_of(cells.get("channels", ""), by_channel=True)
    # The national export says "ngày" where its own note says working days, or hours.
    hours = re.search(r"\b(\d{1,3}) gio\b", fold(clean(cells.get("limit_note", ""))))
    chosen = next((each for each in (columns, words, under) if each.value is not None), words)
    limit = chosen.value
    if not isinstance(limit, Limit):
        return chosen
    flags = chosen.flags
    if isinstance(words.value, Limit) and isinstance(columns.value, Limit):
        flags = (*words.flags, *flags)
        main = (limit.value, limit.unit)
        if main in figures_of(words.value):
            others = tuple(each for each in words.value.variants if (each.value, each.unit) != main)
            limit = msgspec.structs.replace(
                words.value, value=limit.value, unit=limit.unit, variants=others, caveats=words.value.caveats
            )
        else:
            flags = (*flags, flag("limit", "sources_differ", f"{clean(cells['limit'])} / {limit.spelled}"))
    if hours and limit.unit in ("working_day", "calendar_day") and limit.value == int(hours[1]):
        flags = (*flags, flag("limit", "maybe_hours", cells["limit_note"]))
    return figures.Read(limit, tuple({each.kind: each for each in flags}.values()))


def figures_of(limit: Limit) -> frozenset[tuple[int, str]]:
    """Every figure of a limit, whatever its case: equal sets say the same."""
    main = {(limit.value, limit.unit)} if limit.value is not None and limit.unit is not None else set()
    return frozenset(main | {(each.value, each.unit) for each in limit.variants})


def _switches(cells: dict[str, str], said: dict[str, Any]) -> None:
    if hidden := cells.get("hidden", "").strip():
        value = figures.yes(hidden)
        if value is None:
            raise Refused("hidden", hidden, "ghi “có” (hoặc x) hay “không”")
        said["hidden"] = value
    if successor := cells.get("replaced_by", "").strip():
        key = key_of(successor)
        if key is None:
            raise Refused("replaced_by", successor, "không phải mã thủ tục: mã có dạng 1.012753")
        said["replaced_by"] = key


def _valid_from(cells: dict[str, str]) -> date | None:
    written = cells.get("valid_from", "").strip()
    if not written:
        return None
    try:
        day = figures.day_of(written)
    except ValueError:
        day = None
    if day is None or not 1990 <= day.year <= 2100:
        raise Refused("valid_from", written, "không phải ngày: ghi dạng 01/07/2025")
    return day


def _with_earlier(earlier: Draft, later: Draft) -> Draft:
    """One draft of two lines with one code; raises `Refused` when they speak of different procedures."""
    before, after = earlier.patch.said(), later.patch.said()
    for field in ("official_name", "name"):
        if field in before and field in after and fold(before[field]) != fold(after[field]):
            raise Refused("code", later.code, f"mã này đã có ở dòng {earlier.line} với tên khác: giữ một dòng")
    if later.valid_from != earlier.valid_from:
        raise Refused(
            "code", later.code, f"mã này đã có ở dòng {earlier.line} với ngày hiệu lực khác: nhập bằng hai tệp"
        )
    said = {**after, **before}
    flags = (*earlier.patch.flags, *later.patch.flags)
    if isinstance(one := before.get("limit"), Limit) and isinstance(other := after.get("limit"), Limit):
        said["limit"] = _side_by_side(one, other)
    for field in ("documents", "agencies", "channels", "levels", "legal_basis", "results"):
        if field in before and field in after:
            said[field] = tuple(dict.fromkeys((*before[field], *after[field])))
    differing = sorted(
        field for field in before.keys() & after.keys() if before[field] != after[field] and field != "channels"
    )
    for field in differing:
        flags = (*flags, flag(field, "variants_by_row", f"dòng {earlier.line} và {later.line}"))
    unique = tuple({(each.field, each.kind): each for each in flags}.values())
    return Draft(code=earlier.code, line=earlier.line, patch=Patch(**said, flags=unique), valid_from=earlier.valid_from)


def _side_by_side(one: Limit, other: Limit) -> Limit:
    if figures_of(one) == figures_of(other):
        return one
    variants: Iterable[Variant] = (
        variant
        for limit in (one, other)
        for variant in (
            *((Variant(limit.value, limit.unit),) if limit.value is not None and limit.unit is not None else ()),
            *limit.variants,
        )
    )
    caveats = tuple(dict.fromkeys((*one.caveats, *other.caveats, "varies")))
    return Limit(variants=tuple(dict.fromkeys(variants)), caveats=caveats, certainty="unconfirmed", basis=one.basis)
