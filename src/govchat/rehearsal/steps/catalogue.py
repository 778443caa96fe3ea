"""Importing the province's own figures of a few procedures from a CSV file, as an office keeps it."""

from typing import Any

from govchat.rehearsal import cast
from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import Stage, StepBroken

PATH = "/v1/procedures/import"


async def catalogue(stage: Stage, sheet: Sheet) -> None:
    """Dry run, the real run, the same file again; the bad row is named and keeps no good one out."""
    given = cast.catalogue()
    sheet.tell(f"Nhập tệp CSV {given.good + len(given.bad)} dòng (một dòng sai): chạy thử, nhập thật, rồi nhập lại cùng tệp.")
    dry = await _import(stage, given.file, "?dry_run=true")
    sheet.expect("Chạy thử không ghi gì", False, dry["applied"])
    done = await _import(stage, given.file)
    sheet.expect("Thủ tục được nhận", given.good, len(done["added"]) + len(done["changed"]))
    sheet.expect("Dòng sai được nêu đúng số dòng", str(list(given.bad)), str([bad["line"] for bad in done["bad"]]))
    again = await _import(stage, given.file)
    sheet.expect("Nhập lại cùng tệp thì không đổi gì", 0, len(again["added"]) + len(again["changed"]))
    status, one = await stage.call("GET", f"/v1/procedures/{given.code}")
    seen = (one.get("address"), one.get("fee", {}).get("amount")) if status == 200 else (status, None)
    sheet.expect(f"Thủ tục {given.code} mang phí và địa chỉ của tỉnh", str((given.address, given.fee)), str(seen))
    status, found = await stage.call("GET", f"/v1/procedures?q={given.name}")
    codes = [item["code"] for item in found.get("items", [])] if status == 200 else []
    sheet.expect("Tìm theo tên thấy thủ tục này", True, given.code in codes)


async def _import(stage: Stage, file: bytes, query: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "text/csv"}
    status, told = await stage.call("POST", f"{PATH}{query}", raw=file, **headers)
    if status != 200:
        raise StepBroken(f"POST {PATH} trả lời {status}: {told.get('code')} {told.get('detail', '')}")
    report: dict[str, Any] = told
    return report
