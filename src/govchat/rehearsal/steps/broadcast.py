"""One broadcast to everybody who follows and has not opted out, in the campaigns' lane, behind replies."""

from govchat.citizens import consent
from govchat.kit import clock
from govchat.kit.queue import SEND, Bell
from govchat.outbox.put import Draft, Lane, put
from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import Stage
from govchat.zalo import messages

WORDS = "Thông báo diễn tập: thứ Bảy tuần này bộ phận Một cửa làm việc buổi sáng, từ 7 giờ 30."
CAUSE = "campaign:rehearsal"
FOLLOWERS = """
    SELECT c.id, c.zalo_user_id FROM citizens c
    WHERE c.tenant_id = :tenant AND c.follows AND NOT EXISTS (
      SELECT FROM consents n
      WHERE n.tenant_id = c.tenant_id AND n.citizen_id = c.id AND n.purpose = 'broadcast' AND n.state = 'withdrawn')
    ORDER BY c.zalo_user_id
"""


async def broadcast(stage: Stage, sheet: Sheet) -> None:
    """Some have opted out; the others hear it once, and a question asked meanwhile is answered at once."""
    people = stage.cast.citizens
    out = [one.user_id for one in people[: stage.cast.size.few // 2]]
    await _opt_out(stage, out)
    expected = len(people) - len(out)
    planned = await _announce(stage)
    sheet.tell(f"Gửi một tin chung cho {expected} người quan tâm; {len(out)} người đã từ chối tin chung.")
    sheet.expect("Người được gửi", expected, planned)
    await stage.ask([(people[-1].user_id, f"xem giúp hồ sơ {people[-1].dossier.code}")])
    heard = {one.user_id: sum(1 for each in stage.told(one.user_id) if WORDS in each.text) for one in people}
    sheet.expect("Nhận tin đúng một lần", expected, sum(1 for times in heard.values() if times == 1))
    sheet.expect("Người đã từ chối mà vẫn nhận", 0, sum(heard[user_id] for user_id in out))


async def _opt_out(stage: Stage, users: list[str]) -> None:
    tenant, at = stage.tenant, clock.now()
    rows = await stage.sql(
        "SELECT id FROM citizens WHERE tenant_id = :tenant AND zalo_user_id = ANY(:users)", users=users
    )
    async with stage.house.registry.db.tenant(tenant.id) as session:
        for row in rows:
            await consent.withdraw(session, tenant.id, row.id, "broadcast", how="chat", at=at, evidence="rehearsal")


async def _announce(stage: Stage) -> int:
    """Put one message for each of them and ring; how many were put."""
    tenant, now = stage.tenant, clock.now()
    vault = await stage.house.registry.tenant_vault(tenant.id)
    rows = await stage.sql(FOLLOWERS)
    drafts = [
        Draft(
            citizen_id=row.id,
            message=messages.text(row.zalo_user_id, WORDS),
            lane=Lane.CAMPAIGN,
            dedupe_key=f"{CAUSE}:{row.id}",
            cause=CAUSE,
            caused_at=now,
        )
        for row in rows
    ]
    async with stage.house.registry.db.tenant(tenant.id) as session:
        planned = await put(session, vault, tenant.id, drafts)
    bell = Bell(stage.house.settings.redis_url)
    await bell.ring(SEND, [tenant.id], bulk=True)
    await bell.close()
    return planned
