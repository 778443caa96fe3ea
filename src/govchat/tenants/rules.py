"""What one manifest must agree on within itself, beyond the shape of each value.

Works on the sound part of a `Reading`; a rule whose values are missing or wrong stays silent, because that has been reported.
"""

import difflib
from datetime import date
from itertools import combinations
from typing import Any

from govchat.tenants.toml_lines import KeyPath
from govchat.tenants.validate import Reading

_TYPE_WORDS = {"city": "Thành phố", "province": "Tỉnh"}

Row = tuple[KeyPath, dict[str, Any]]


def check_rules(reading: Reading) -> None:
    """Add a finding for every rule that the manifest breaks on its own."""
    _slug_is_folder(reading)
    _full_names_fit_types(reading)
    _dates_run_forward(reading)
    _former_names_end(reading)
    _one_own_code(reading)
    _codes_have_predecessors(reading)
    _app_is_not_oa(reading)


def span(row: dict[str, Any]) -> tuple[date, date]:
    """The days on which a dated row holds; open ends reach as far as dates do."""
    return row.get("valid_from") or date.min, row.get("valid_to") or date.max


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two dated rows hold on a common day."""
    (start, end), (other_start, other_end) = span(one), span(other)
    return start <= other_end and other_start <= end


def _slug_is_folder(reading: Reading) -> None:
    slug = reading.get("slug")
    if slug is not None and slug != reading.folder:
        reading.report(("slug",), f'khác tên thư mục "{reading.folder}"; sửa một trong hai cho trùng nhau', slug)


def _full_names_fit_types(reading: Reading) -> None:
    places: list[Row] = [((), reading.kept), *reading.rows("former_names")]
    for path, row in places:
        full_name, unit_type = row.get("full_name"), row.get("type")
        if full_name is None or unit_type is None:
            continue
        word = _TYPE_WORDS[unit_type]
        if not full_name.startswith(f"{word} "):
            message = f'type là "{unit_type}" nên tên đầy đủ phải bắt đầu bằng "{word} "; sửa tên hoặc sửa type'
            reading.report((*path, "full_name"), message, full_name)
    name, full_name = reading.get("name"), reading.get("full_name")
    if name is not None and full_name is not None and not full_name.endswith(f" {name}"):
        reading.report(
            ("full_name",), f'phải kết thúc bằng tên riêng "{name}"; viết hai tên cùng một cách bỏ dấu', full_name
        )


def _dates_run_forward(reading: Reading) -> None:
    for path, row in [*reading.rows("former_names"), *reading.rows("h_codes")]:
        start, end = span(row)
        if end < start:
            message = f"ngày cuối trước ngày đầu {start.isoformat()}; kiểm tra lại hai ngày"
            reading.report((*path, "valid_to"), message, end)


def _former_names_end(reading: Reading) -> None:
    rows = reading.rows("former_names")
    for path, row in rows:
        if "valid_to" not in row and (*path, "valid_to") not in reading.lines:
            reading.report(
                (*path, "valid_to"), "thiếu ngày cuối của tên cũ; ghi ngày cuối còn hiệu lực, ví dụ 2026-04-29"
            )
    for (_, one), (path, other) in combinations([row for row in rows if "valid_to" in row[1]], 2):
        if overlap(one, other):
            reading.report(path, "hai tên cũ cùng hiệu lực trong một ngày; sửa valid_from hoặc valid_to")


def _one_own_code(reading: Reading) -> None:
    rows = reading.rows("h_codes")
    own = [row for row in rows if row[1].get("kind") == "own"]
    # A code whose kind could not be read may be the own one.
    if "h_codes" in reading.kept and not own and not reading.has_gaps and all("kind" in row for _, row in rows):
        reading.report(("h_codes",), 'không có mã nào là kind = "own"; đánh dấu mã đơn vị đang dùng cho hồ sơ mới')
    for (first, one), (path, other) in combinations([row for row in rows if "code" in row[1]], 2):
        if not overlap(one, other):
            continue
        if one["code"] == other["code"]:
            message = f"mã này đã có ở dòng {reading.line((*first, 'code'))}; xóa một mục hoặc tách thời gian hiệu lực"
            reading.report((*path, "code"), message, other["code"])
        elif one.get("kind") == other.get("kind") == "own":
            message = f'trong cùng thời gian đã có mã "own" là {one["code"]}; giữ một mã, mã kia ghi "absorbed" hoặc thêm valid_to'
            reading.report((*path, "kind"), message, "own")


def _codes_have_predecessors(reading: Reading) -> None:
    rows = [row for row in reading.rows("lineage", "predecessors") if "slug" in row[1]]
    for (first, one), (path, other) in combinations(rows, 2):
        if one["slug"] == other["slug"]:
            message = f"đơn vị này đã có ở dòng {reading.line(first)}; xóa một mục"
            reading.report((*path, "slug"), message, other["slug"])
    known = {row["slug"] for _, row in rows} | {reading.folder, reading.get("slug") or reading.folder}
    for path, row in reading.rows("h_codes"):
        legacy = row.get("legacy_slug")
        if legacy is None or legacy in known or reading.has_gaps:
            continue
        near = difflib.get_close_matches(legacy, sorted(known), n=1)
        way_out = f'có phải ý là "{near[0]}"?' if near else "thêm đơn vị đó vào [[lineage.predecessors]] hoặc sửa lại"
        reading.report((*path, "legacy_slug"), f"không có trong lineage.predecessors; {way_out}", legacy)


def _app_is_not_oa(reading: Reading) -> None:
    app_id, oa_id = reading.get("zalo", "app_id"), reading.get("zalo", "oa_id")
    if app_id is not None and app_id == oa_id:
        reading.report(("zalo", "oa_id"), "trùng với app_id; chép lại OA ID từ OA Manager → Thông tin tài khoản", oa_id)
