"""A thousand dossiers in one request, as a one-stop system sends them, and the same request again."""

import time
from collections import Counter

from govchat.rehearsal.report import Sheet, shown
from govchat.rehearsal.stage import Stage, item_of


async def dossiers(stage: Stage, sheet: Sheet) -> None:
    """All are created; repeated under the same Idempotency-Key nothing is done, sent anew each is unchanged."""
    size = stage.cast.size
    items = [item_of(dossier) for dossier in stage.cast.dossiers]
    began = time.monotonic()
    first = await stage.put_batch(items, once="dien-tap-ho-so")
    seconds = time.monotonic() - began
    sheet.tell(f"Đẩy {shown(size.dossiers)} hồ sơ trong một lần gọi POST /v1/dossiers/batch, rồi đẩy lại.")
    refused = next((f"{each['code']}: {each['problem']['detail']}" for each in first if each.get("problem")), "")
    sheet.expect("Hồ sơ được tạo", size.dossiers, Counter(each["outcome"] for each in first)["created"], refused)
    sheet.at_most("Số giây cho lần gọi ấy", 30.0, round(seconds, 1))
    replayed = await stage.put_batch(items, once="dien-tap-ho-so")
    sheet.expect("Gọi lại cùng Idempotency-Key nhận đúng câu trả lời cũ", True, replayed == first)
    again = await stage.put_batch(items[:100])
    sheet.expect("Đẩy lại 100 hồ sơ không đổi gì", 100, Counter(each["outcome"] for each in again)["unchanged"])
    sheet.expect(
        "Hồ sơ có trong cơ sở dữ liệu",
        size.dossiers,
        await stage.count("SELECT count(*) FROM dossiers WHERE tenant_id = :tenant"),
    )
    await _stranger(stage, sheet)


async def _stranger(stage: Stage, sheet: Sheet) -> None:
    """The neighbour's key opens nothing here."""
    code = stage.cast.dossiers[0].code
    status, _ = await stage.call("GET", f"/v1/dossiers/{code}", slug=stage.cast.neighbours[0].slug)
    sheet.answers("Khóa API của tỉnh khác không đọc được hồ sơ này", 404, status)
