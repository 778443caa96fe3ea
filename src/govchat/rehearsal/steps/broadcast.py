"""One broadcast to everybody who follows and has not opted out: drafted by one, released by another, sent behind replies."""

from typing import Any

from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import Stage, StepBroken, first_wrong

WORDS = "Thông báo diễn tập: thứ Bảy tuần này bộ phận Một cửa làm việc buổi sáng, từ 7 giờ 30."
STOP = ("dừng", "dung")
REFUSING = """
    SELECT count(*) FROM consents s JOIN citizens c ON c.tenant_id = s.tenant_id AND c.id = s.citizen_id
    WHERE s.tenant_id = :tenant AND s.purpose = 'broadcast' AND s.state = 'withdrawn' AND c.zalo_user_id = ANY(:users)
"""
PATH = "/v1/campaigns"
REFUSED = 400  # and above


async def broadcast(stage: Stage, sheet: Sheet) -> None:
    """Some have opted out; the others hear it once, and a question asked meanwhile is answered at once."""
    people = stage.cast.citizens
    out = [one.user_id for one in people[: stage.cast.size.few // 2]]
    expected = len(people) - len(out)
    sheet.tell(f"{len(out)} người nhắn “dừng”; gửi một tin chung cho {expected} người quan tâm còn lại.")
    await _opt_out(stage, sheet, out)
    address = await _released(stage, sheet, expected)
    await stage.ask([(people[-1].user_id, f"xem giúp hồ sơ {people[-1].dossier.code}")])
    done = await stage.until(lambda: _read(stage, address), lambda seen: seen["state"] == "done", "tin chung gửi xong")
    sheet.expect("Tin đã gửi theo số liệu của chiến dịch", expected, done["counts"]["sent"])
    await stage.settled()
    heard = {one.user_id: sum(1 for each in stage.told(one.user_id) if WORDS in each.text) for one in people}
    sheet.expect("Nhận tin đúng một lần", expected, sum(1 for times in heard.values() if times == 1))
    sheet.expect("Người đã từ chối mà vẫn nhận", 0, sum(heard[user_id] for user_id in out))


async def _opt_out(stage: Stage, sheet: Sheet, users: list[str]) -> None:
    """They say so in the chat, with and without diacritics."""
    said = await stage.ask([(user_id, STOP[at % len(STOP)]) for at, user_id in enumerate(users)])
    good, wrong = first_wrong(said, lambda _, told: bool(told))
    sheet.expect("Nhắn “dừng” được trả lời", len(users), good, wrong)
    sheet.expect("Từ chối tin chung được ghi nhận", len(users), await stage.count(REFUSING, users=users))


async def _released(stage: Stage, sheet: Sheet, expected: int) -> str:
    """Draft and estimate it, try to release it alone, release it with a second key; where it can be read."""
    body = {
        "name": "Diễn tập",
        "class": "announcement",
        "message": {"text": WORDS},
        "audience": {"all_followers": True},
    }
    status, made = await stage.call("POST", PATH, body)
    if status >= REFUSED:
        raise StepBroken(f"POST {PATH} trả lời {status}: {made.get('code')} {made.get('detail', '')}")
    address = f"{PATH}/{made['id']}"
    status, estimate = await stage.call("GET", f"{address}/estimate")
    sheet.expect(
        "Ước tính số người nhận", expected, estimate.get("recipients") if status < REFUSED else f"HTTP {status}"
    )
    status, _ = await stage.call("POST", f"{address}/approve")
    sheet.answers("Người soạn tự duyệt thì bị từ chối", 403, status)
    first = stage.keys[stage.slug]
    await stage.make_key(stage.tenant)
    status, told = await stage.call("POST", f"{address}/approve")
    stage.keys[stage.slug] = first
    if status >= REFUSED:
        raise StepBroken(f"POST {address}/approve trả lời {status}: {told.get('code')} {told.get('detail', '')}")
    return address


async def _read(stage: Stage, address: str) -> dict[str, Any]:
    _, told = await stage.call("GET", address)
    seen: dict[str, Any] = told
    return seen
