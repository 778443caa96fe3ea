"""A catalogue file (CSV or XLSX) into rows of text under recognised columns, with the line each row stands on.

What comes in may be hostile: sizes are bounded before anything is unpacked or parsed, formulas are never evaluated, and whatever can't
be read is one sentence that says what to do.
"""

import csv
import io
from collections.abc import Iterator, Sequence

import msgspec

from govchat.procedures.cells import HEADER_WITHIN, MOST_COLUMNS, MOST_ROWS, FileUnreadable
from govchat.procedures.headers import Column, columns_of, score
from govchat.procedures.legacy_text import from_tcvn3, readings

MOST_BYTES = 32 * 1024 * 1024
DELIMITERS = (",", ";", "\t", "|")


class Line(msgspec.Struct, frozen=True):
    """One row: the line (of a spreadsheet: the row) it starts on, and its cells as text, by column."""

    number: int
    cells: list[str]


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was understood."""

    kind: str
    encoding: str
    delimiter: str
    name: str
    header_line: int
    columns: list[Column]
    lines: list[Line]
    remarks: list[str]


def read(data: bytes) -> Sheet:
    """The first sheet, or the text, that has a column of procedure codes; raises `FileUnreadable`."""
    if not data.strip(b"\0\t\r\n "):
        raise FileUnreadable("the file is empty: export the catalogue again")
    if len(data) > MOST_BYTES:
        raise FileUnreadable(
            f"the file has {len(data) >> 20} MiB, more than {MOST_BYTES >> 20}: split it, or save it without pictures"
        )
    if data.startswith(b"PK\x03\x04"):
        from govchat.procedures.workbook import sheets_of  # noqa: PLC0415  (spreadsheets alone need its reader)

        return _first(
            [(name, rows, "xlsx", "", "", remarks) for name, rows, remarks in sheets_of(data)],
            "no sheet has a row with a column of procedure codes",
        )
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileUnreadable(
            "this is an .xls of Excel 97-2003 or a workbook with a password: open it in Excel and save it as .xlsx without a password"
        )
    if data.startswith((b"%PDF", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"\x89PNG", b"\xff\xd8\xff")) or _is_markup(data):
        raise FileUnreadable("this is neither CSV nor XLSX: export the catalogue as one of these")
    return _first(list(_texts(data)), "no row names a column of procedure codes")


Candidate = tuple[str, list[tuple[int, list[str]]], str, str, str, list[str]]


def _is_markup(data: bytes) -> bool:
    start = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<html", b"<!doctype", b"<?xml", b"<table", b"{", b"["))


def _texts(data: bytes) -> Iterator[Candidate]:
    """The text under every encoding and delimiter that could be meant; only what can hold a header is parsed whole."""
    decoded = list(readings(data))
    if not decoded:
        raise FileUnreadable("the text is in no encoding that is known here: save it as CSV UTF-8")
    best: tuple[int, str, str, str] | None = None
    for encoding, text in decoded:
        for delimiter in DELIMITERS:
            top = _parsed(text[: 64 * 1024], delimiter, most=HEADER_WITHIN, whole=len(text) <= 64 * 1024)
            worth = max((score(cells) for _, cells in top), default=0)
            if worth and (best is None or worth > best[0]):
                best = (worth, encoding, delimiter, text)
    if best is not None:
        _, encoding, delimiter, text = best
        yield "", _parsed(text, delimiter), "csv", encoding, delimiter, []


def _parsed(
    text: str, delimiter: str, most: int = MOST_ROWS + HEADER_WITHIN, whole: bool = True
) -> list[tuple[int, list[str]]]:
    """Rows with the line they start on; raises `FileUnreadable` for a text that never ends a quotation."""
    csv.field_size_limit(MOST_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    rows: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            if len(cells) > MOST_COLUMNS and any(cells[MOST_COLUMNS:]):
                raise FileUnreadable(
                    f"line {start} has {len(cells)} columns, more than {MOST_COLUMNS}: is it a catalogue?"
                )
            rows.append((start, cells[:MOST_COLUMNS]))
            start = reader.line_num + 1
            if len(rows) > most:
                if whole and most > HEADER_WITHIN:
                    raise FileUnreadable(f"the file has more than {MOST_ROWS:,} rows: split it")
                break
    except csv.Error as error:
        raise FileUnreadable(f"line {reader.line_num}: {error}; save the file as CSV UTF-8 again") from error
    return rows


def _first(candidates: Sequence[Candidate], otherwise: str) -> Sheet:
    for name, rows, kind, encoding, delimiter, remarks in candidates:
        for rewrite in (str, from_tcvn3) if kind == "xlsx" else (str,):
            worth = [score([rewrite(cell) for cell in cells]) for _, cells in rows[:HEADER_WITHIN]]
            if not any(worth):
                continue
            at = worth.index(max(worth))
            below = [(number, [rewrite(cell) for cell in cells]) for number, cells in rows[at + 1 :]]
            if len(below) > MOST_ROWS:
                raise FileUnreadable(f"the file has more than {MOST_ROWS:,} rows: split it")
            return Sheet(
                kind=kind,
                encoding="tcvn3" if rewrite is from_tcvn3 else encoding,
                delimiter=delimiter,
                name=name,
                header_line=rows[at][0],
                columns=columns_of([rewrite(cell) for cell in rows[at][1]]),
                lines=[Line(number, cells) for number, cells in below if any(cell.strip() for cell in cells)],
                remarks=remarks,
            )
    raise FileUnreadable(
        f'{otherwise} within its first {HEADER_WITHIN} rows: name the columns, such as "Mã thủ tục", "Tên thủ tục", '
        '"Lĩnh vực", "Thời hạn giải quyết", "Phí, lệ phí"'
    )
