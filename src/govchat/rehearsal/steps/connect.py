"""Connecting the Official Account: the consent link, the administrator's click at Zalo, the callback; and again after a lost consent."""

from urllib.parse import parse_qs, urlsplit

from govchat.connect.consent import begin
from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import Stage, StepBroken
from govchat.tenants.describe import describe

ADMIN = "Quản trị viên diễn tập"
FORGET = """
    UPDATE oa_credentials SET refresh_token_sealed = NULL, access_token_sealed = NULL, access_expires_at = NULL
    WHERE tenant_id = :tenant RETURNING oa_id
"""
REDIRECT = 302


async def connect(stage: Stage, sheet: Sheet) -> None:
    """From nothing to a working token, by the way an administrator goes."""
    await stage.sql(FORGET)
    before = await describe(stage.house.registry, stage.tenant)
    sheet.expect("Trạng thái kết nối trước khi cấp quyền", "missing", before.credential_state)
    callback, page = await consent(stage)
    sheet.tell("Tạo đường dẫn cấp quyền, quản trị viên bấm đồng ý trên trang của Zalo, Zalo dẫn về callback.")
    sheet.answers("Trang callback trả lời", 200, page[0], page[1][:160])
    after = await describe(stage.house.registry, stage.tenant)
    sheet.expect("Trạng thái kết nối sau khi cấp quyền", "ok", after.credential_state)
    access = await stage.house.worker.drainer.credentials.access(stage.tenant)
    profile = await stage.house.worker.drainer.zalo.get_oa(access.token)
    sheet.expect("Zalo xác nhận mã truy cập là của OA", stage.tenant.oa_id, profile.oa_id)
    again = await _get(stage, callback)
    sheet.answers("Bấm lại đường dẫn đã dùng thì bị từ chối", 400, again[0])
    await _knock(stage, sheet)


async def _knock(stage: Stage, sheet: Sheet) -> None:
    """What Zalo's console and a stranger do at the webhook."""
    world = stage.house.zalo.world
    verified = await stage.house.zalo.courier.verify(world.app_by_id[stage.tenant.app.app_id])
    sheet.answers("Webhook trả lời khi bấm Lưu trên trang của Zalo", 200, verified)
    forged = b'{"event_name":"follow","oa_id":"' + stage.tenant.oa_id.encode() + b'","timestamp":"1795000000000"}'
    headers = {"X-ZEvent-Signature": "mac=" + "0" * 64, "X-ZEvent-Timestamp": "1795000000000"}
    url = f"{stage.house.url}{stage.tenant.webhook_path}"
    async with stage.house.http.post(url, data=forged, headers=headers) as answer:
        sheet.answers("Sự kiện giả mạo (sai chữ ký) bị từ chối", 401, answer.status)


async def consent(stage: Stage) -> tuple[str, tuple[int, str]]:
    """An administrator's whole way; the callback's address and what it answered (status, page)."""
    link = await begin(stage.house.registry, stage.tenant, admin=ADMIN, actor="system:rehearsal")
    status, page = await _get(stage, link.url)
    if status != 200 or stage.tenant.oa_id not in page:
        raise StepBroken(f"trang cấp quyền của Zalo trả lời {status} hoặc không có OA {stage.tenant.oa_id}")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(link.url).query).items()}
    form = {**asked, "oa_id": stage.tenant.oa_id}
    url = link.url.partition("?")[0]
    async with stage.house.http.post(url, data=form, allow_redirects=False) as answer:
        if answer.status != REDIRECT:
            raise StepBroken(f"trang cấp quyền của Zalo không dẫn về callback, trả lời {answer.status}")
        callback = answer.headers["Location"]
    return callback, await _get(stage, callback)


async def _get(stage: Stage, url: str) -> tuple[int, str]:
    async with stage.house.http.get(url, allow_redirects=False) as answer:
        return answer.status, await answer.text()
