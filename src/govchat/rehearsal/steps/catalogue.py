"""Importing the province's own figures of a few procedures from a CSV file, as an office keeps it."""

from collections.abc import Iterable
from typing import Any

from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import Stage, StepBroken

PATH = "/v1/procedures/import"


async def catalogue(stage: Stage, sheet: Sheet) -> None:
    """Dry run, the real run, the same file again; the bad row is named and keeps no good one out."""
    given = stage.catalogue
    sheet.tell(
        f"Nhập tệp CSV {given.good + len(given.bad)} dòng (một dòng sai): chạy thử, nhập thật, rồi nhập lại cùng tệp."
    )
    dry = await _import(stage, given.file, "?dry_run=true")
    sheet.expect("Chạy thử có ghi gì không", False, dry["applied"])
    done = await _import(stage, given.file)
    sheet.expect("Thủ tục được nhận", given.good, len(done["added"]) + len(done["changed"]))
    sheet.expect("Dòng sai được nêu đúng số dòng", _lines(given.bad), _lines(bad["line"] for bad in done["bad"]))
    again = await _import(stage, given.file)
    sheet.expect("Nhập lại cùng tệp thì không đổi gì", 0, len(again["added"]) + len(again["changed"]))
    status, one = await stage.call("GET", f"/v1/procedures/{given.code}")
    fee = one["fee"]["amount"] if status == 200 else None
    sheet.expect(f"Mức phí của tỉnh ở thủ tục {given.code}, đồng", given.fee, fee)
    sheet.expect("Địa chỉ tiếp nhận của tỉnh ở thủ tục ấy", True, status == 200 and one["address"] == given.address)
    status, found = await stage.call("GET", f"/v1/procedures?q={given.name}")
    codes = [item["code"] for item in found.get("items", [])] if status == 200 else []
    sheet.expect("Tìm theo tên thấy thủ tục này", True, given.code in codes)


def _lines(numbers: Iterable[int]) -> str:
    return "dòng " + ", ".join(map(str, numbers))


async def _import(stage: Stage, file: bytes, query: str = "") -> dict[str, Any]:
    status, told = await stage.call("POST", f"{PATH}{query}", raw=file, headers={"Content-Type": "text/csv"})
    if status != 200:
        raise StepBroken(f"POST {PATH} trả lời {status}: {told.get('code')} {told.get('detail', '')}")
    report: dict[str, Any] = told
    return report
