"""Losing the token twice: an access token that ended, and a refresh token that somebody else has used."""

from govchat.connect.keep import keep_token
from govchat.incidents.queries import Incident, open_incidents
from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import Stage, first_wrong
from govchat.rehearsal.steps.connect import consent
from govchat.tenants.describe import describe
from govchat.tenants.models import OaCredentialRow
from govchat.tenants.tokens import token_context

HELD = "SELECT count(*) FROM outbox_messages WHERE tenant_id = :tenant AND state IN ('queued', 'sending')"


async def token(stage: Stage, sheet: Sheet) -> None:
    """The first heals by itself, the second by an administrator's new consent; no answer is lost in either."""
    await _ended(stage, sheet)
    await _stolen(stage, sheet)


async def _ended(stage: Stage, sheet: Sheet) -> None:
    zalo, tenant = stage.house.zalo, stage.tenant
    before = zalo.world.stats.rotations[tenant.oa_id]
    zalo.world.tokens.expire(tenant.oa_id)
    people = stage.cast.citizens[: stage.cast.size.few]
    said = await stage.ask([(one.user_id, f"kiểm tra giúp hồ sơ {one.dossier.code}") for one in people])
    good, wrong = first_wrong(said, lambda at, told: people[at].dossier.code in told)
    sheet.tell(f"Mã truy cập hết hạn giữa chừng, {len(people)} người cùng hỏi.")
    sheet.expect("Vẫn được trả lời", len(people), good, wrong)
    sheet.expect("Số lần đổi mã (đúng một, dù nhiều người hỏi)", 1, zalo.world.stats.rotations[tenant.oa_id] - before)


async def _stolen(stage: Stage, sheet: Sheet) -> None:
    tenant = stage.tenant
    await _use_elsewhere(stage)
    one = stage.cast.citizens[stage.cast.size.few]
    delivery = await stage.house.zalo.say(stage.slug, one.user_id, f"hồ sơ {one.dossier.code} thế nào rồi")
    stage.asked += 1
    sheet.answers("Câu hỏi vẫn được nhận", 200, delivery.status)
    state = await stage.until(
        lambda: _state(stage), lambda seen: seen == "needs_reconsent", "trạng thái needs_reconsent"
    )
    sheet.tell("Mã làm mới bị hệ thống khác dùng mất; một người hỏi; quản trị viên cấp quyền lại.")
    sheet.expect("Trạng thái kết nối", "needs_reconsent", state)
    told = await stage.until(lambda: _incidents(stage), bool, "sự cố về kết nối")
    sheet.expect("Sự cố mở ra, nói rõ ai phải làm gì", 1, sum(1 for each in told if each.todo))
    sheet.expect("Câu trả lời được giữ lại", 1, await stage.count(HELD))
    await keep_token(stage.house.hands, tenant)
    _, (status, page) = await consent(stage)
    sheet.answers("Cấp quyền lại thành công", 200, status, page[:160])
    await stage.settled()
    sheet.expect("Câu trả lời đã giữ được gửi đi", True, one.dossier.code in stage.heard(one.user_id))
    sheet.expect("Trạng thái kết nối sau đó", "ok", await _state(stage))
    sheet.expect("Sự cố còn mở sau đó", 0, len(await _incidents(stage)))


async def _use_elsewhere(stage: Stage) -> None:
    """What a restored copy of this installation would do: spend our refresh token."""
    tenant = stage.tenant
    vault = await stage.house.registry.tenant_vault(tenant.id)
    async with stage.house.registry.db.tenant(tenant.id) as session:
        row = await session.get_one(OaCredentialRow, (tenant.id, tenant.oa_id))
        assert row.refresh_token_sealed is not None
        spent = vault.open(row.refresh_token_sealed, token_context(tenant.oa_id, "refresh_token")).decode()
    world = stage.house.zalo.world
    world.tokens.refresh({tenant.oa_id}, spent, world.now())


async def _state(stage: Stage) -> str:
    return (await describe(stage.house.registry, stage.tenant)).credential_state


async def _incidents(stage: Stage) -> list[Incident]:
    async with stage.house.registry.db.tenant(stage.tenant.id) as session:
        return [each for each in await open_incidents(session, stage.tenant.id) if each.kind == "credential"]
