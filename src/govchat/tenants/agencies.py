"""The authorities (cơ quan) of a manifest: whose dossier a code is, when their counters are open, and the rules for writing them.

From the manifest's `agencies` and `working_hours`; out go the agency and the `Calendar` on which its deadlines are counted.
"""

from datetime import time
from itertools import combinations
from typing import Any

from govchat.kit.text import fold
from govchat.kit.workdays import OFFICE_HOURS, Calendar, national
from govchat.tenants.schema import Agency, Manifest, opening_of
from govchat.tenants.toml_lines import KeyPath
from govchat.tenants.validate import Reading

_SPANS = {"morning": OFFICE_HOURS.morning, "afternoon": OFFICE_HOURS.afternoon}


def agency_for(manifest: Manifest, *, dossier_code: str = "", unit: str = "") -> Agency | None:
    """The agency that a dossier's code (`H19.12-261103-0007`) or its handling unit's name leads to; None when the manifest tells of none.

    The longest unit code that the dossier's begins with wins: `H19.12` before `H19`. Names are compared without diacritics and case.
    """
    head = dossier_code.strip().upper().partition("-")[0]
    fitting = [
        (len(code), agency)
        for agency in manifest.agencies
        for code in agency.dossier_units
        if head == code or head.startswith(f"{code}.")
    ]
    if fitting:
        return max(fitting, key=lambda pair: pair[0])[1]
    wanted = fold(unit)
    return next((agency for agency in manifest.agencies if wanted and fold(agency.name) == wanted), None)


def calendar_for(manifest: Manifest, agency: Agency | None = None) -> Calendar:
    """The national days with the opening hours of this agency, or of the whole tenant."""
    hours = (agency.hours if agency else None) or manifest.working_hours
    return national().with_hours(hours.office_hours)


def check_agencies(reading: Reading) -> None:
    """Add a finding for every rule about agencies and hours that the manifest breaks."""
    rows = reading.rows("agencies")
    _once_each(reading, rows)
    _units_fit_h_codes(reading, rows)
    places: list[KeyPath] = [("working_hours",), *((*path, "hours") for path, row in rows if row.get("hours"))]
    for path in places:
        _hours_run_forward(reading, path, reading.get(*path) or {})


def _once_each(reading: Reading, rows: list[tuple[KeyPath, dict[str, Any]]]) -> None:
    for (first, one), (path, other) in combinations(rows, 2):
        for key in ("code", "name"):
            if key in one and one[key] == other.get(key):
                message = f"đã có ở dòng {reading.line((*first, key))}; xóa một mục hoặc sửa lại"
                reading.report((*path, key), message, other[key])
    owners: dict[str, KeyPath] = {}
    for path, row in rows:
        for index, unit in enumerate(row.get("dossier_units") or ()):
            place = (*path, "dossier_units", index)
            if unit is not None and unit in owners:
                reading.report(
                    place, f"đã có ở dòng {reading.line(owners[unit])}; một mã đơn vị thuộc một cơ quan", unit
                )
            elif unit is not None:
                owners[unit] = place


def _units_fit_h_codes(reading: Reading, rows: list[tuple[KeyPath, dict[str, Any]]]) -> None:
    codes = {row["code"] for _, row in reading.rows("h_codes") if "code" in row}
    if reading.has_gaps or not codes or any("code" not in row for _, row in reading.rows("h_codes")):
        return
    for path, row in rows:
        for index, unit in enumerate(row.get("dossier_units") or ()):
            if unit is not None and unit.partition(".")[0] not in codes:
                message = (
                    f"mã đứng đầu không có trong h_codes của tệp này ({', '.join(sorted(codes))}); sửa lại mã đơn vị"
                )
                reading.report((*path, "dossier_units", index), message, unit)


def _hours_run_forward(reading: Reading, path: KeyPath, row: dict[str, Any]) -> None:
    spans: dict[str, tuple[time, time]] = {}
    for key in ("morning", "afternoon", "saturday"):
        written = row.get(key)
        if written is not None:
            spans[key] = opening_of(written)
        elif key in _SPANS and (*path, key) not in reading.lines:
            spans[key] = _SPANS[key]
    for key, (start, end) in spans.items():
        if start >= end:
            reading.report((*path, key), "giờ đóng phải sau giờ mở; kiểm tra lại hai giờ", row.get(key))
            return
    if "morning" in spans and "afternoon" in spans and spans["morning"][1] > spans["afternoon"][0]:
        key = "afternoon" if row.get("afternoon") is not None else "morning"
        reading.report(
            (*path, key),
            f"buổi chiều bắt đầu ({spans['afternoon'][0]:%H:%M}) trước khi buổi sáng kết thúc ({spans['morning'][1]:%H:%M}); "
            "sửa giờ của một buổi",
            row.get(key),
        )
