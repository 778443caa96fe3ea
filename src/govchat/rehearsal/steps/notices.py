"""The one-stop system reports results; who subscribed hears of it once, within Zalo's free window."""

import time

from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import Stage, first_wrong, item_of, now_written

READY = 9
# The product's promise is 10 seconds for 95 % of the notices of an ordinary hour; here two hundred come at once.
PROMISED_S = 10.0


async def notices(stage: Stage, sheet: Sheet) -> None:
    """Two hundred dossiers are finished in one request; the same request again tells nobody anything."""
    size, people, zalo = stage.cast.size, stage.cast.citizens, stage.house.zalo
    before = {one.user_id: len(stage.told(one.user_id)) for one in people}
    changed = [
        item_of(one.dossier, status=READY, status_note="Đã có kết quả", changed_at=now_written()) for one in people
    ]
    began = time.monotonic()
    results = await stage.put_batch(changed)
    sheet.tell(f"Hệ thống một cửa báo {size.citizens} hồ sơ đã có kết quả, rồi báo lại lần nữa.")
    sheet.expect("Hồ sơ đổi trạng thái", size.citizens, sum(1 for each in results if each["outcome"] == "updated"))
    sheet.expect("Thông báo được lập", size.citizens, sum(each["notices"] for each in results))
    await stage.until(
        lambda: _heard(stage, before), lambda heard: heard >= size.citizens, "đủ thông báo tới người theo dõi"
    )
    seconds = time.monotonic() - began
    await stage.settled()
    told = [[message.text for message in stage.told(one.user_id)[before[one.user_id] :]] for one in people]
    good, wrong = first_wrong(
        ["\n".join(each) for each in told], lambda at, said: len(told[at]) == 1 and people[at].dossier.code in said
    )
    sheet.expect("Mỗi người nhận đúng một thông báo, đúng mã hồ sơ của mình", size.citizens, good, wrong)
    sheet.at_most("Số giây đến thông báo cuối cùng", PROMISED_S, round(seconds, 1))
    again = await stage.put_batch(changed)
    sheet.expect("Báo lại thì không ai bị nhắn lần hai", 0, sum(each["notices"] for each in again))
    sheet.expect("Tin phải trả tiền", 0, zalo.world.stats.billed)


async def _heard(stage: Stage, before: dict[str, int]) -> int:
    return sum(1 for user_id, count in before.items() if len(stage.told(user_id)) > count)
