"""Catalogue files as offices keep them: found under any header, encoding and delimiter; hostile ones refused in one sentence."""

import io
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govchat.procedures.cells import MOST_ROWS, FileUnreadable
from govchat.procedures.headers import columns_of, recognise
from govchat.procedures.legacy_text import from_tcvn3
from govchat.procedures.rows import drafts_of
from govchat.procedures.sheet import read
from govchat.procedures.workbook import MOST_UNPACKED

TEXT = "Mã thủ tục,Tên thủ tục,Lĩnh vực\n1.000656,Đăng ký khai tử,Hộ tịch\n"
TCVN3 = {from_tcvn3(chr(code)): chr(code) for code in range(0xA1, 0x100) if from_tcvn3(chr(code)) != chr(code)}


def xlsx(rows, sheets=1, hidden_first=False):
    book = openpyxl.Workbook()
    for number in range(sheets):
        sheet = book.active if number == 0 else book.create_sheet()
        if number == sheets - 1:
            for row in rows:
                sheet.append(row)
        else:
            sheet.append(["Hướng dẫn"])
    if hidden_first:
        book.worksheets[0].sheet_state = "hidden"
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def drafted(data, known=lambda code: False):
    return drafts_of(read(data), known)


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Mã thủ tục", "code"), ("MA THU TUC", "code"), ("Mã số TTHC", "code"), ("Tên thủ tục hành chính", "official_name"),
        ("ten tthc", "official_name"), ("Lĩnh vực", "field"), ("Thời hạn giải quyết (ngày)", "limit"),
        ("Thời hạn giải quyết theo quy định", "limit"), ("Phí, lệ phí (đồng)", "fee"), ("Lệ phí", "charge"),
        ("Cơ quan thực hiện", "agencies"), ("THÀNH PHẦN HỒ SƠ", "documents"), ("Địa chỉ tiếp nhận hồ sơ", "address"),
        ("Hiệu lực từ", "valid_from"), ("Thay thế bởi", "replaced_by"), ("national_code", "code"),
    ],
)  # fmt: skip
def test_a_header_is_recognised_however_it_is_written(header, field):
    found = recognise(header)
    assert found is not None
    assert found[0] == field


def test_what_is_not_recognised_or_stands_twice_is_named():
    columns = columns_of(["Mã", "STT", "Mã thủ tục", ""])
    assert [column.field for column in columns] == ["code", None, None, None]
    assert "cột A" in columns[2].why
    assert all(column.why for column in columns[1:])


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.encode("utf-16-be"), "utf-16"),
        ("".join(TCVN3.get(letter, letter) for letter in TEXT).encode("latin-1"), "tcvn3"),
    ],
)
def test_every_encoding_that_offices_use_is_read(data, encoding):
    sheet = read(data)
    (draft,), bad = drafts_of(sheet, lambda code: False)
    assert (sheet.encoding, bad) == (encoding, [])
    assert (draft.code, draft.patch.official_name, draft.patch.field) == ("1.000656", "Đăng ký khai tử", "Hộ tịch")


def test_windows_vietnamese_code_page_is_read_and_composed():
    # The code page has no composed tone letters: a tone follows its vowel.
    decomposed = "Mã thủ tục,Tên thủ tục\n1.000656,Đăng ký\n"
    tones = {"ủ": "u\u0309", "ụ": "u\u0323", "ý": "y\u0301", "ã": "a\u0303"}
    data = "".join(tones.get(letter, letter) for letter in decomposed).encode("cp1258")
    (draft,), _ = drafted(data)
    assert draft.patch.official_name == "Đăng ký"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter_is_found(delimiter):
    sheet = read(TEXT.replace(",", delimiter).encode())
    assert sheet.delimiter == delimiter
    assert len(sheet.columns) == 3


def test_titles_above_the_header_and_line_breaks_in_cells_keep_the_line_numbers():
    data = 'DANH MỤC THỦ TỤC\nKèm theo Quyết định 12\n\nMã;Tên thủ tục;Hồ sơ\n1.000656;Khai tử;"- Tờ khai\n- Giấy báo tử"\nabc;Sai;\n'
    sheet = read(data.encode())
    (draft,), (bad,) = drafts_of(sheet, lambda code: False)
    assert (sheet.header_line, draft.line, bad.line, bad.column) == (4, 5, 7, "A")
    assert draft.patch.documents == ("Tờ khai", "Giấy báo tử")


def test_a_spreadsheet_is_read_from_the_first_visible_sheet_with_codes():
    rows = [
        ["Danh mục"],
        ["Mã TTHC", "Tên TTHC", "Thời hạn", "Hiệu lực từ"],
        ["1.013225", "Cấp phép", "7 ngày làm việc", "01/12/2026"],
    ]
    (draft,), bad = drafted(xlsx(rows, sheets=3, hidden_first=True))
    assert bad == []
    assert (draft.code, draft.line, draft.patch.limit.value, str(draft.valid_from)) == ("1.013225", 3, 7, "2026-12-01")


def test_a_code_that_a_spreadsheet_made_a_number_is_completed_only_when_known():
    rows = [["Mã TTHC", "Tên TTHC"], [1.01322, "Có trong danh mục"], [1.00001, "Không có"], [1.013225, "Đủ chữ số"]]
    drafts, (bad,) = drafted(xlsx(rows), known=lambda code: code == "1.013220")
    assert [draft.code for draft in drafts] == ["1.013220", "1.013225"]
    assert [flag.kind for flag in drafts[0].patch.flags] == ["code_completed"]
    assert (bad.line, bad.value) == (3, "1.00001")


def test_formulas_are_never_taken():
    text = (
        'Mã,Tên thủ tục\n1.000656,"=HYPERLINK(""http://x"")"\n"=""1.000689""",Khai sinh\n1.000690,@SUM(A1)\n'
        "1.000691,#REF!\n1.000692,- Gạch đầu dòng\n"
    )
    drafts, bad = drafted(text.encode())
    assert [draft.code for draft in drafts] == ["1.000689", "1.000692"]
    assert [each.line for each in bad] == [2, 4, 5]
    sheet = read(xlsx([["Mã", "Tên thủ tục"], ["1.000656", "=1+1"]]))
    assert sheet.remarks


def rezipped(data, replaced, compression=zipfile.ZIP_DEFLATED):
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", compression) as new:
        for part in old.infolist():
            new.writestr(part.filename, replaced.get(part.filename, old.read(part)))
    return made.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
FAR = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b"\0\0\0", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "save it as .xlsx"),
        (b"%PDF-1.7 ...", "neither CSV nor XLSX"),
        (b"<html><table><tr><td>M\xc3\xa3</td></tr></table></html>", "neither CSV nor XLSX"),
        (b"PK\x03\x04 but no zip", "damaged"),
        (b"a,b,c\n1,2,3\n", "no row names a column of procedure codes"),
        (b"Ten thu tuc,Linh vuc\nKhai tu,Ho tich\n", "column of procedure codes"),
        ("Mã,Tên\n".encode() + b"1.000656,x\n" * (MOST_ROWS + 40), "rows"),
        (xlsx([["Không có mã"]]), "no sheet"),
        (rezipped(xlsx([["Mã"]]), {SHEET: b" " * (MOST_UNPACKED + 1)}), "unpacks to more"),
        (rezipped(xlsx([["Mã"]]), {SHEET: FAR % b'<row r="1"><c r="XFD1"/></row>'}), "columns beside"),
        (rezipped(xlsx([["Mã"]]), {SHEET: FAR % b"<row r = '1048576'><c r = 'A1048576'/></row>"}), "rows below"),
        (rezipped(xlsx([["Mã"]]), {SHEET: b"<!DOCTYPE a [<!ENTITY b 'c'>]><worksheet/>"}), "as Excel writes it"),
        (rezipped(xlsx([["Mã"]]), {SHEET: b"<worksheet><sheetData><row"}), "damaged|no sheet"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_no_catalogue_is_refused_in_one_sentence(data, told):
    with pytest.raises(FileUnreadable, match=told) as refused:
        read(data)
    assert "\n" not in refused.value.detail


@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(max_size=200).map(lambda text: ("Mã,Tên,Thời hạn,Phí\n" + text).encode(errors="replace")),
    )
)
@settings(max_examples=150, deadline=None)
def test_no_bytes_lead_to_anything_but_a_sheet_or_a_refusal(data):
    try:
        drafts, bad = drafted(data)
    except FileUnreadable:
        return
    assert all(draft.code for draft in drafts)
    assert all(each.reason for each in bad)
