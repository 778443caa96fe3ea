"""Agencies and working hours: found by a dossier's code, counted on their own hours, mistakes told with their lines."""

from datetime import date, datetime, time
from pathlib import Path

import pytest
from tests.tenants.test_manifest_findings import SOUND, only, read

from govchat.kit.clock import VN
from govchat.tenants.agencies import agency_for, calendar_for

AGENCIES = """
[working_hours]
morning = "08:00-12:00"

[[agencies]]
code = "so-xay-dung"
name = "Sở Xây dựng"
dossier_units = ["H14.12"]

[[agencies]]
code = "cong-an"
name = "Công an tỉnh Cao Bằng"
phone = "0206 3852 000"
dossier_units = ["H14.12.3", "H14.7"]

[agencies.hours]
saturday = "07:30-11:30"
"""


def test_the_longest_unit_code_leads_to_the_agency(tmp_path: Path) -> None:
    (manifest,) = read(tmp_path, SOUND + AGENCIES).manifests
    found = {
        code: agency and agency.code
        for code in ("H14.12-261103-0007", "h14.12.3-261103-0007", "H14.12.4-261103-0001", "H14.120-261103-0001")
        for agency in [agency_for(manifest, dossier_code=code)]
    }
    assert list(found.values()) == ["so-xay-dung", "cong-an", "so-xay-dung", None]
    by_name = agency_for(manifest, unit="so xay dung")
    assert by_name is not None
    assert by_name.code == "so-xay-dung"
    assert agency_for(manifest) is None


def test_an_agency_counts_in_its_own_hours_else_in_the_tenants(tmp_path: Path) -> None:
    (manifest,) = read(tmp_path, SOUND + AGENCIES).manifests
    saturday = datetime(2026, 11, 28, 9, 0, tzinfo=VN)
    building, police = manifest.agencies
    assert calendar_for(manifest, building).work_starts(saturday) == datetime(2026, 11, 30, 8, 0, tzinfo=VN)
    assert calendar_for(manifest, police).work_starts(saturday) == saturday
    assert calendar_for(manifest).hours.morning == (time(8), time(12))
    assert not calendar_for(manifest, police).is_workday(date(2026, 11, 24))


@pytest.mark.parametrize(
    ("old", "new", "key", "hint"),
    [
        ('"08:00-12:00"', '"8-12"', "working_hours.morning", '"HH:MM-HH:MM"'),
        ('"08:00-12:00"', '"12:00-08:00"', "working_hours.morning", "giờ đóng phải sau giờ mở"),
        ('"08:00-12:00"', '"08:00-13:30"', "working_hours.morning", "buổi chiều bắt đầu (13:00)"),
        ('"07:30-11:30"', '"11:30-07:30"', "agencies[1].hours.saturday", "giờ đóng phải sau giờ mở"),
        ('"cong-an"', '"so-xay-dung"', "agencies[1].code", "đã có ở dòng 22"),
        ('"Công an tỉnh Cao Bằng"', '"Sở Xây dựng"', "agencies[1].name", "đã có ở dòng 23"),
        ('"H14.7"', '"H14.12"', "agencies[1].dossier_units[1]", "đã có ở dòng 24"),
        ('"H14.7"', '"H15.7"', "agencies[1].dossier_units[1]", "không có trong h_codes"),
        ('"H14.7"', '"14.7"', "agencies[1].dossier_units[1]", "chữ H và hai chữ số"),
        ('["H14.12"]', '"H14.12"', "agencies[0].dossier_units", 'ghi như dossier_units = ["…", "…"]'),
        ('"Sở Xây dựng"', '"<tên>"', "agencies[0].name", "chưa điền"),
        ('phone = "0206 3852 000"', 'hours = "sáng"', "agencies[1].hours", "[agencies.hours]"),
    ],
)
def test_each_mistake_is_told_at_its_place(tmp_path: Path, old: str, new: str, key: str, hint: str) -> None:
    text = SOUND + AGENCIES.replace(old, new, 1)
    if key.endswith(".hours"):
        text = text.replace("\n[agencies.hours]\n", "\n# ").replace("# saturday", "#")
    found = only(read(tmp_path, text))
    assert found.key == key
    assert hint in found.message
