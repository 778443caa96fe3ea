"""Dossiers from a table that an office keeps by hand: CSV or XLSX with Vietnamese headers, one dossier a line.

From the file's bytes to `Line`s, each a dossier or what is wrong with it by the name of its column. Columns are found by their heads
whatever their order, case and diacritics; columns that are not known are skipped.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from govchat.dossiers import codes
from govchat.dossiers.schemas import DossierIn
from govchat.dossiers.status import STATUSES
from govchat.errors import DomainError
from govchat.kit.clock import VN
from govchat.kit.fields import in_vietnamese, named
from govchat.kit.text import clean, fold

# Field → its heads, the first as it is named in refusals; compared without case and diacritics.
HEADS: Mapping[str, tuple[str, ...]] = {
    "code": ("Mã hồ sơ", "Mã số hồ sơ", "Số hồ sơ"),
    "procedure_code": ("Mã thủ tục", "Mã TTHC", "Mã thủ tục hành chính"),
    "applicant.name": ("Chủ hồ sơ", "Người nộp", "Người nộp hồ sơ", "Họ và tên", "Họ tên", "Tên chủ hồ sơ"),
    "applicant.phone": ("Số điện thoại", "Điện thoại", "SĐT", "Số ĐT"),
    "applicant.id_number": ("Số định danh", "Số CCCD", "CCCD", "Số giấy tờ"),
    "lookup_secret": ("Mã tra cứu", "Mã bí mật"),
    "received_at": ("Ngày tiếp nhận", "Ngày nhận", "Thời điểm tiếp nhận"),
    "due_at": ("Ngày hẹn trả", "Ngày hẹn trả kết quả", "Hẹn trả", "Hẹn trả kết quả", "Hạn trả"),
    "status": ("Trạng thái", "Trạng thái hồ sơ", "Tình trạng"),
    "status_note": ("Ghi chú", "Nội dung xử lý", "Lý do"),
    "handler.unit": (
        "Đơn vị xử lý",
        "Cơ quan xử lý",
        "Đơn vị",
        "Cơ quan",
        "Cơ quan giải quyết",
        "Đơn vị giải quyết",
        "Đơn vị thụ lý",
    ),
    "handler.officer": ("Người xử lý", "Người giải quyết", "Cán bộ xử lý", "Cán bộ thụ lý", "Công chức xử lý"),
    "changed_at": ("Ngày cập nhật", "Thời điểm cập nhật", "Ngày thay đổi"),
}
REQUIRED = ("code", "procedure_code", "applicant.name", "status", "handler.unit")
MOST_LINES = 200_000
# A table's title, its office and its day stand above the heads.
MOST_ABOVE = 20

_DATE = re.compile(
    r"(?P<day>\d{1,2})[/.\-](?P<month>\d{1,2})[/.\-](?P<year>\d{4})(?:[ T]+(?P<hour>\d{1,2})[:hg](?P<minute>\d{2})(?::(?P<second>\d{2}))?)?"
)
_OPENS, _CLOSES = time(7, 30), time(17, 0)
_FIELDS = {fold(head): field for field, all_ in HEADS.items() for head in all_}
_BY_LABEL = {fold(status.label): number for number, status in STATUSES.items()}


class SheetUnreadable(DomainError):
    """The file is no table of dossiers."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "sheet_unreadable"
    title: ClassVar[str] = "The file is no table of dossiers"


class Line(msgspec.Struct, frozen=True):
    """One line of the table by its number in the file: a dossier, or what is wrong with it."""

    number: int
    code: str
    given: DossierIn | None
    wrong: str = ""


def read(path: Path) -> list[Line]:
    """Every line that holds anything; raises `SheetUnreadable`."""
    rows = _of_xlsx(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _of_csv(path)
    numbered = [(number, row) for number, row in enumerate(rows, start=1) if any(_said(cell) for cell in row)]
    if not numbered:
        raise SheetUnreadable(f"{path.name}: bảng không có dòng nào; cần một dòng tiêu đề và mỗi hồ sơ một dòng")
    if len(numbered) > MOST_LINES:
        raise SheetUnreadable(
            f"{path.name}: có {len(numbered)} dòng; mỗi lần nhập tối đa {MOST_LINES} dòng, hãy tách tệp"
        )
    place = _heads_at([row for _, row in numbered[:MOST_ABOVE]])
    columns = _columns(path.name, *numbered[place])
    lines = numbered[place + 1 :]
    return [_line(number, {field: row[i] for field, i in columns.items() if i < len(row)}) for number, row in lines]


def _of_xlsx(path: Path) -> Sequence[Sequence[Any]]:
    import python_calamine  # noqa: PLC0415 - only this command needs it

    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        return book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError, IndexError) as error:
        raise SheetUnreadable(f"{path.name}: không đọc được bảng tính ({error}); hãy lưu lại thành .xlsx") from None


def _of_csv(path: Path) -> Iterator[Sequence[Any]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SheetUnreadable(f"{path.name}: không mở được tệp ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SheetUnreadable(f'{path.name}: không phải UTF-8; hãy lưu thành "CSV UTF-8" hoặc .xlsx') from None
    first = text.split("\n", MOST_ABOVE)[:MOST_ABOVE]
    delimiter = max(",;\t", key=lambda letter: max(line.count(letter) for line in first))
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        yield row
        # A cell may hold line breaks: what follows keeps the number that an editor shows for its first line.
        yield from ([] for _ in range(sum(cell.count("\n") for cell in row)))


def _heads_at(rows: Sequence[Sequence[Any]]) -> int:
    """Which of the first rows holds the heads: the first of those with the most that are known."""
    known = [sum(_field(cell) is not None for cell in row) for row in rows]
    return known.index(max(known))


def _field(head: Any) -> str | None:
    return _FIELDS.get(fold(clean(str(head))).rstrip(" *:"))


def _columns(name: str, at: int, heads: Sequence[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, head in enumerate(heads):
        field = _field(head)
        if field is not None and field in found:
            raise SheetUnreadable(f'{name}:{at} cột "{HEADS[field][0]}" có hai lần: chỉ giữ một cột')
        if field is not None:
            found[field] = place
    missing = [HEADS[field][0] for field in REQUIRED if field not in found]
    if missing:
        raise SheetUnreadable(f"{name}:{at} thiếu cột: {', '.join(missing)}")
    return found


def _line(number: int, cells: dict[str, Any]) -> Line:
    code = _said(cells.get("code"))
    try:
        if not code:
            raise ValueError(f"{HEADS['code'][0]}: để trống")
        codes.parse(code)
        return Line(number, code, _dossier(cells))
    except codes.CodeInvalid:
        wrong = f'{HEADS["code"][0]}: "{code[:60]}" không phải một mã hồ sơ; cần như {codes.EXAMPLE}'
        return Line(number, code, None, wrong)
    except msgspec.ValidationError as error:
        field, message = named(str(error), whole="")
        head = HEADS[field][0] if field in HEADS else field or "line"
        return Line(number, code, None, f"{head}: {_wrong(message)}")
    except ValueError as error:
        return Line(number, code, None, str(error))


def _wrong(message: str) -> str:
    """What is wrong with a value, for who keeps the table."""
    if "got `null`" in message:
        return "để trống"
    if "status_note" in message:
        return "để trống; hồ sơ không được tiếp nhận phải ghi lý do"
    return in_vietnamese(message)


def _dossier(cells: dict[str, Any]) -> DossierIn:
    received, changed = _moment(cells, "received_at", _OPENS), _moment(cells, "changed_at", _OPENS)
    if changed is None and received is None:
        raise ValueError(f"{HEADS['changed_at'][0]} và {HEADS['received_at'][0]}: đều để trống; cần ít nhất một ngày")
    told: dict[str, Any] = {
        "procedure_code": _said(cells["procedure_code"]) or None,
        "applicant": {
            "name": _said(cells["applicant.name"]) or None,
            "phone": _number(cells.get("applicant.phone")) or None,
            "id_number": _number(cells.get("applicant.id_number")) or None,
        },
        "lookup_secret": _said(cells.get("lookup_secret")) or None,
        "received_at": received,
        "status": _status(cells["status"]),
        "status_note": _said(cells.get("status_note")) or None,
        "handler": {
            "unit": _said(cells["handler.unit"]) or None,
            "officer": _said(cells.get("handler.officer")) or None,
        },
        # A table without a time of change tells the same again when it is read again.
        "changed_at": changed or received,
    }
    due = _moment(cells, "due_at", _CLOSES)
    return msgspec.convert(told | ({"due_at": due} if due else {}), DossierIn)


def _said(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


def _number(cell: Any) -> str:
    """A phone or card number; what a table took for a figure has lost the 0 in front."""
    said = _said(cell)
    return said if not isinstance(cell, int | float) or said.startswith("0") else f"0{said}"


def _status(cell: Any) -> int:
    said = _said(cell)
    number = int(said) if said.isascii() and said.isdigit() else _BY_LABEL.get(fold(clean(said)), 0)
    if number not in STATUSES:
        raise ValueError(
            f'{HEADS["status"][0]}: "{said[:60]}" không phải trạng thái; cần số 1 đến 10 hoặc tên như "{STATUSES[4].label}"'
        )
    return number


def _moment(cells: dict[str, Any], field: str, day_means: time) -> datetime | None:
    """A cell's moment in Vietnamese time; a day without a time means `day_means`."""
    cell = cells.get(field)
    if isinstance(cell, datetime):
        midnight = cell.time() == time(0)
        return datetime.combine(cell.date(), day_means if midnight else cell.time(), VN)
    if isinstance(cell, date):
        return datetime.combine(cell, day_means, VN)
    said = _said(cell)
    try:
        return _written(said, day_means) if said else None
    except ValueError:
        raise ValueError(
            f'{HEADS[field][0]}: "{said[:40]}" không phải ngày; cần như 20/11/2026 hoặc 20/11/2026 09:12'
        ) from None


def _written(said: str, day_means: time) -> datetime:
    if found := _DATE.fullmatch(said):
        day = date(int(found["year"]), int(found["month"]), int(found["day"]))
        if found["hour"] is None:
            return datetime.combine(day, day_means, VN)
        return datetime.combine(day, time(int(found["hour"]), int(found["minute"]), int(found["second"] or 0)), VN)
    moment = datetime.fromisoformat(said)
    if len(said) <= len("2026-11-20"):
        return datetime.combine(moment.date(), day_means, VN)
    return moment if moment.tzinfo else moment.replace(tzinfo=VN)
