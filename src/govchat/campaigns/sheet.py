"""A list of people as offices keep it: CSV or XLSX, a line of heads, one person a line; from bytes to lines.

Somebody is named by Zalo's id or by telephone number. What else the list says (name, commune, tags) is for the words and for labels.
Columns are found by their heads whatever their order, case and diacritics.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from govchat.campaigns.refusals import AudienceListUnreadable
from govchat.kit import phone as phones
from govchat.kit.text import clean, fold

HEADS: Mapping[str, tuple[str, ...]] = {
    "user_id": ("Mã Zalo", "Zalo user id", "Zalo ID", "user_id", "User ID"),
    "phone": ("Số điện thoại", "Điện thoại", "SĐT", "phone"),
    "name": ("Họ và tên", "Họ tên", "Tên", "name"),
    "commune": ("Xã", "Phường", "Xã, phường", "Xã/phường", "Đơn vị hành chính", "commune"),
    "tags": ("Nhãn", "Thẻ", "tags"),
}
MOST_LINES = 100_000
MOST_BYTES = 8 * 1024 * 1024
_ZIP = b"PK\x03\x04"


class Line(msgspec.Struct, frozen=True):
    """One person: the number of the line, how they are named, what is said of them. `problem` when nobody is named."""

    number: int
    user_id: str = ""
    phone: str = ""
    name: str = ""
    commune: str = ""
    tags: tuple[str, ...] = ()
    problem: str = ""


def read(content: bytes, *, needs: Sequence[str] = ()) -> list[Line]:
    """Every line that holds anything; raises `AudienceListUnreadable`. One column of `needs` has to be there. Slow: use a thread."""
    if not content:
        raise AudienceListUnreadable("tệp trống: hãy gửi đúng tệp CSV hoặc XLSX")
    if len(content) > MOST_BYTES:
        raise AudienceListUnreadable(f"tệp có {len(content)} byte mà nhiều nhất là {MOST_BYTES}: hãy chia nhỏ tệp")
    rows = _of_xlsx(content) if content.startswith(_ZIP) else _of_csv(content)
    numbered = [(number, row) for number, row in enumerate(rows, start=1) if any(_said(cell) for cell in row)]
    if len(numbered) - 1 > MOST_LINES:
        raise AudienceListUnreadable(
            f"tệp có {len(numbered) - 1} dòng mà mỗi lần nhiều nhất là {MOST_LINES}: hãy chia nhỏ tệp"
        )
    if not numbered:
        raise AudienceListUnreadable("bảng không có dòng nào: cần một dòng tiêu đề và mỗi người một dòng")
    (at, heads), *lines = numbered
    columns = _columns(at, heads, needs)
    return [_line(number, row, columns) for number, row in lines]


def _of_xlsx(content: bytes) -> Sequence[Sequence[Any]]:
    import python_calamine  # noqa: PLC0415 - only a workbook needs it

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        return book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError, IndexError, ValueError) as error:
        raise AudienceListUnreadable(f"không đọc được bảng tính ({error}): hãy lưu lại thành .xlsx") from None


def _of_csv(content: bytes) -> Iterator[Sequence[Any]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AudienceListUnreadable('tệp không phải UTF-8: hãy lưu thành "CSV UTF-8" hoặc .xlsx') from None
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            yield row
            # A cell may hold line breaks: what follows keeps the number that an editor shows for its first line.
            yield from ([] for _ in range(sum(cell.count("\n") for cell in row)))
    except csv.Error as error:
        raise AudienceListUnreadable(f"tệp không phải là CSV ({error}): hãy lưu thành .xlsx") from None


def _columns(at: int, heads: Iterable[Any], needs: Sequence[str]) -> dict[str, int]:
    known = {fold(head): field for field, names in HEADS.items() for head in names}
    found: dict[str, int] = {}
    for place, head in enumerate(heads):
        field = known.get(fold(clean(_said(head))).rstrip(" *:"))
        if field is not None and field in found:
            raise AudienceListUnreadable(f'dòng {at}: cột "{HEADS[field][0]}" có hai lần, chỉ giữ một cột')
        if field is not None:
            found[field] = place
    if "user_id" not in found and "phone" not in found:
        raise AudienceListUnreadable(f'dòng {at}: thiếu cột "{HEADS["user_id"][0]}" hoặc "{HEADS["phone"][0]}"')
    if needs and not any(each in found for each in needs):
        names = " hoặc ".join(f'"{HEADS[each][0]}"' for each in needs)
        raise AudienceListUnreadable(f"dòng {at}: thiếu cột {names}")
    return found


def _line(number: int, row: Sequence[Any], columns: Mapping[str, int]) -> Line:
    cells = {field: _said(row[place]) for field, place in columns.items() if place < len(row)}
    user_id, given = cells.get("user_id", ""), cells.get("phone", "")
    # What a table took for a figure has lost the 0 in front.
    phone = phones.normalise(given if given.startswith(("0", "+", "84")) else f"0{given}") if given else None
    problem = ""
    if not user_id and not given:
        problem = "không có mã Zalo, cũng không có số điện thoại"
    elif not user_id and phone is None:
        problem = "số điện thoại không đúng dạng: ghi như 0912345678"
    return Line(
        number,
        user_id,
        phone or "",
        clean(cells.get("name", ""), 60),
        clean(cells.get("commune", ""), 60),
        tuple(tag for each in cells.get("tags", "").replace(";", ",").split(",") if (tag := clean(each, 60))),
        problem,
    )


def _said(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()
