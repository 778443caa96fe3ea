"""`govchat dossiers`: a table of dossiers taken in line by line, and the rules of deadlines."""

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from govchat.db.session import Database
from govchat.dossiers.models import DossierRow
from govchat.kit.ids import tenant_id_for

TENANT = tenant_id_for("dong-nai")
HEADS = [
    "Mã hồ sơ",
    "Mã thủ tục",
    "Chủ hồ sơ",
    "SỐ ĐIỆN THOẠI",
    "Ngày tiếp nhận",
    "Trạng thái",
    "Đơn vị xử lý",
    "Ghi chú",
    "Cột lạ",
]
GOOD = [
    "H19.12-261103-1001",
    "1.013225",
    "Lê Thị Bé",
    "0912345678",
    "03/11/2026 09:12",
    "Đang xử lý",
    "Sở Xây dựng",
    "",
    "x",
]
OTHER = ["H19.12-261103-1002", "1.013225", "Ông K'Brếp", "", "2026-11-03", "2", "Sở Y tế", "", ""]
BAD = ["H19.12-261103-1003", "1.013225", "Bà Tư", "", "03/11/2026", "đang bay", "Sở Y tế", "", ""]
REFUSED = ["H19.12-261103-1004", "1.013225", "Bà Tư", "", "03/11/2026", "3", "Sở Y tế", "", ""]


def csv_of(path: Path, *rows: list[str], delimiter: str = ",") -> Path:
    path.write_text("\ufeff" + "\n".join(delimiter.join(row) for row in (HEADS, *rows)), encoding="utf-8")
    return path


async def stored(own_settings: Any) -> dict[str, int]:
    database = Database.connect(own_settings.database_url, part="test")
    async with database.tenant(TENANT) as session:
        rows = (await session.execute(select(DossierRow.code, DossierRow.status))).all()
    await database.close()
    return {row.code: row.status for row in rows}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_good_lines_are_kept_and_wrong_ones_named(cli, own_settings, tmp_path, delimiter):
    file = csv_of(tmp_path / "a.csv", GOOD, BAD, [], OTHER, REFUSED, delimiter=delimiter)
    said = await cli("dossiers", "import", str(file), "--tenant", "dong-nai", "--dry-run")
    assert (said.status, "2 dòng hợp lệ, 2 dòng lỗi" in said.out) == (1, True), said.everything
    assert await stored(own_settings) == {}
    said = await cli("dossiers", "import", str(file), "--tenant", "dong-nai")
    assert (said.status, "2 mới" in said.out) == (1, True)
    assert f'{file}:3 Trạng thái: "đang bay" không phải trạng thái' in said.err
    assert f"{file}:6 Ghi chú: để trống; hồ sơ không được tiếp nhận phải ghi lý do" in said.err
    assert await stored(own_settings) == {GOOD[0]: 4, OTHER[0]: 2}
    said = await cli("dossiers", "import", str(file), "--tenant", "dong-nai", "--json")
    assert said.json["outcomes"] == {"unchanged": 2}
    assert [error["line"] for error in said.json["errors"]] == [3, 6]


async def test_a_workbook_is_read_with_its_dates_and_numbers(cli, own_settings, tmp_path):
    from datetime import datetime

    book = openpyxl.Workbook()
    book.active.append(HEADS)
    book.active.append([*GOOD[:3], 912345678, datetime(2026, 11, 3, 9, 12), 9, *GOOD[6:]])  # noqa: DTZ001
    book.save(tmp_path / "a.xlsx")
    said = await cli("dossiers", "import", str(tmp_path / "a.xlsx"), "--tenant", "dong-nai")
    assert (said.status, "1 mới" in said.out) == (0, True), said.everything
    assert await stored(own_settings) == {GOOD[0]: 9}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_a_title_may_stand_above_the_heads_and_heads_have_several_names(cli, own_settings, tmp_path, kind):
    heads = [
        "STT",
        "Mã số hồ sơ",
        "Mã TTHC",
        "Người nộp hồ sơ",
        "Hẹn trả",
        "Ngày nhận",
        "Tình trạng",
        "Cơ quan giải quyết",
    ]
    row = ["1", GOOD[0], GOOD[1], GOOD[2], "01/12/2026", "03/11/2026", "Đang xử lý", "Sở Xây dựng"]
    rows = [["ỦY BAN NHÂN DÂN THÀNH PHỐ"], ["DANH SÁCH HỒ SƠ THÁNG 11"], [], heads, row, ["2", "x", *row[2:]]]
    if kind == "csv":
        (tmp_path / "a.csv").write_text("\n".join(";".join(each) for each in rows))
    else:
        book = openpyxl.Workbook()
        for each in rows:
            book.active.append(each)
        book.save(tmp_path / "a.xlsx")
    file = tmp_path / f"a.{kind}"
    said = await cli("dossiers", "import", str(file), "--tenant", "dong-nai")
    assert (said.status, "1 mới" in said.out) == (1, True), said.everything
    assert f'{file}:6 Mã hồ sơ: "x" không phải một mã hồ sơ' in said.err
    assert await stored(own_settings) == {GOOD[0]: 4}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "Mã hồ sơ,Ghi chú\nx,y".encode(), "a.csv:1 thiếu cột: Mã thủ tục"),
        ("a.csv", "Mã hồ sơ".encode("utf-16"), "không phải UTF-8"),
        ("a.csv", b"", "bảng không có dòng nào"),
        ("a.xlsx", b"no workbook", "không đọc được bảng tính"),
        ("a.csv", "Mã hồ sơ,ma ho so\nx,y".encode(), "có hai lần"),
    ],
)
async def test_a_file_that_is_no_table_is_refused(cli, tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    said = await cli("dossiers", "import", str(tmp_path / name), "--tenant", "dong-nai")
    assert (said.status, told in said.refusal) == (1, True), said.everything


async def test_rules_hold_until_others_are_given(cli, tmp_path):
    file = tmp_path / "rules.toml"
    file.write_text(
        '[[office]]\nunit = "Công an phường Trảng Dài"\nsaturday = "07:30-11:30"\n'
        '[[procedure]]\ncode = "1.013225"\npause = "shift"\n'
    )
    assert "không có quy tắc riêng" in (await cli("dossiers", "rules", "--tenant", "dong-nai")).out
    said = await cli("dossiers", "rules", str(file), "--tenant", "dong-nai")
    assert (said.status, "thứ Bảy 07:30-11:30" in said.out, "phần hạn còn lại (shift)" in said.out) == (
        0,
        True,
        True,
    ), said.everything
    assert (await cli("dossiers", "rules", "--tenant", "dong-nai", "--json")).json["procedure"][0]["pause"] == "shift"
    file.write_text("")
    await cli("dossiers", "rules", str(file), "--tenant", "dong-nai")
    assert (await cli("dossiers", "rules", "--tenant", "dong-nai", "--json")).json == {"office": [], "procedure": []}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[office]]\nunit = "A"\nmorning = "7-11"', 'office 1 "A": "7-11" is no span of hours'),
        ('[[office]]\nunit = "A"\nmorning = "11:00-07:00"', "expected a morning that ends before the afternoon"),
        ('[[procedure]]\ncode = "abc"', 'procedure 1 "abc": expected a code'),
        ('[[procedure]]\ncode = "1.013225"\npause = "stop"', "Invalid enum value"),
        ('[[office]]\nunit = "A"\n[[office]]\nunit = "a"', "stands there twice"),
        ("[[office", "rules.toml: "),
    ],
)
async def test_rules_that_can_not_be_followed_are_refused(cli, tmp_path, text, told):
    (tmp_path / "rules.toml").write_text(text)
    said = await cli("dossiers", "rules", str(tmp_path / "rules.toml"), "--tenant", "dong-nai")
    assert (said.status, told in said.refusal) == (1, True), said.everything


async def test_what_owes_an_apology_soon_is_listed(cli, tmp_path):
    from govchat.kit import clock
    from govchat.kit.workdays import national

    assert "không có hồ sơ nào" in (await cli("dossiers", "apologies", "--tenant", "dong-nai")).out
    today, file = clock.now().astimezone(clock.VN).date(), tmp_path / "a.csv"
    dues = [f"{national().add_workdays(today, days):%d/%m/%Y} 00:30" for days in (2, 6)]
    lines = [[f"H19.12-261103-200{n}", *GOOD[1:8], due] for n, due in enumerate(dues)]
    rows = [[*HEADS[:8], "Ngày hẹn trả"], *lines]
    file.write_text("\n".join(",".join(row) for row in rows), encoding="utf-8")
    assert (await cli("dossiers", "import", str(file), "--tenant", "dong-nai")).status == 0
    assert lines[0][0] in (await cli("dossiers", "apologies", "--tenant", "dong-nai")).out
    (owed,) = (await cli("dossiers", "apologies", "--tenant", "dong-nai", "--json")).json
    assert (owed["code"], owed["unit"]) == (lines[0][0], "Sở Xây dựng")
