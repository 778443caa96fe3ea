"""The sheets of an XLSX workbook, unpacked within bounds.

A workbook is a ZIP of XML. Its reader unpacks whatever it finds and lays out a sheet as wide and tall as its farthest cells, so a small
file could fill the memory. Therefore the parts it needs are first copied into a plain ZIP, counted on the way, and the farthest cell is
read from the XML before the reader sees it.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from govchat.procedures.cells import HEADER_WITHIN, MOST_COLUMNS, MOST_ROWS, FileUnreadable, as_text

MOST_UNPACKED = 96 * 1024 * 1024
MOST_PARTS = 500
MOST_SHEETS = 20

_NEEDED = re.compile(
    r"(\[Content_Types\]\.xml|_rels/[^/]+|xl/(workbook\.xml|styles\.xml|sharedStrings\.xml|_rels/[^/]+|worksheets/[^/]+\.xml))",
    re.I,
)
# A cell's or a row's place in the XML of a sheet.
_CELL = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,7})(\d{1,10})["']""")
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*?\sr\s*=\s*["'](\d{1,12})["']""")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")


def sheets_of(data: bytes) -> Iterator[tuple[str, list[tuple[int, list[str]]], list[str]]]:
    """(name, rows with their numbers, remarks) of every visible sheet; raises `FileUnreadable`."""
    copy, formulas = _copied(data)
    try:
        with CalamineWorkbook.from_filelike(copy) as book:
            for sheet in book.sheets_metadata[:MOST_SHEETS]:
                if sheet.visible != SheetVisibleEnum.Visible:
                    continue
                laid = book.get_sheet_by_name(sheet.name)
                first = (laid.start or (0, 0))[0] + 1
                rows = [
                    (number, [as_text(cell) for cell in cells])
                    for number, cells in enumerate(laid.to_python(skip_empty_area=True), first)
                ]
                yield sheet.name, rows, [_FORMULAS] if formulas else []
    except CalamineError as error:
        raise FileUnreadable(
            f"the workbook is damaged ({str(error)[:200]}): open it in Excel and save it as .xlsx again"
        ) from error


_FORMULAS = "bảng tính có công thức: lấy giá trị đã tính mà Excel lưu, ô chưa tính coi như trống"


def _copied(data: bytes) -> tuple[io.BytesIO, bool]:
    """The parts that matter, uncompressed, and whether any sheet has formulas."""
    copy, total, formulas = io.BytesIO(), 0, False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed, zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as plain:
            parts = packed.infolist()
            if len(parts) > MOST_PARTS:
                raise FileUnreadable(
                    f"the workbook has {len(parts)} parts, more than {MOST_PARTS}: save its one sheet alone"
                )
            for part in parts:
                if not _NEEDED.fullmatch(part.filename):
                    continue
                with packed.open(part) as stream:
                    content = stream.read(MOST_UNPACKED - total + 1)
                total += len(content)
                if total > MOST_UNPACKED:
                    raise FileUnreadable(
                        f"the workbook unpacks to more than {MOST_UNPACKED >> 20} MiB: it is damaged or made to do harm"
                    )
                if part.filename.lower().startswith("xl/worksheets/"):
                    _check(part.filename, content)
                    formulas = formulas or bool(_FORMULA.search(content))
                plain.writestr(part.filename, content)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, ValueError, OSError) as error:
        raise FileUnreadable(
            f"the workbook is damaged or has a password ({str(error)[:200]}): open it in Excel and save it as .xlsx again"
        ) from error
    copy.seek(0)
    return copy, formulas


def _check(name: str, content: bytes) -> None:
    if b"\0" in content[:4096] or content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"<!DOCTYPE" in content[:4096]:
        raise FileUnreadable(
            f"{name} is not written as Excel writes it: open the workbook in Excel and save it as .xlsx again"
        )
    places = set(_CELL.findall(content))
    farthest_row = max((int(row) for _, row in places), default=0)
    farthest_row = max([farthest_row, *map(int, _ROW.findall(content))])
    farthest_column = max((_index(column.upper()) for column, _ in places), default=0)
    if farthest_row > MOST_ROWS + HEADER_WITHIN:
        raise FileUnreadable(
            f"{name} reaches down to row {farthest_row:,}, more than {MOST_ROWS:,}: split it, or delete the rows below the table"
        )
    if farthest_column > MOST_COLUMNS:
        raise FileUnreadable(
            f"{name} reaches to column {farthest_column:,}, more than {MOST_COLUMNS}: delete the columns beside the table"
        )


def _index(letters: bytes) -> int:
    index = 0
    for each in letters:
        index = index * 26 + each - 64
    return index
