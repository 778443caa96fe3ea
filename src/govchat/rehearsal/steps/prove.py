"""At the end, over everything: nothing said twice, no neighbour touched, no limit passed, nobody left unanswered, nothing leaked."""

from govchat.audit.verify import verify
from govchat.db.tables import metadata
from govchat.incidents.queries import open_incidents
from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import ANYTHING, Stage
from govchat.tenants.registry import Tenant

# When a key was last used; everything else of a neighbour must stand as it stood.
PASSING = frozenset({"api_keys"})
ASKED = "SELECT count(*) FROM inbox_events WHERE tenant_id = :tenant AND asks"
UNANSWERED = """
    SELECT count(*) FROM inbox_events e WHERE e.tenant_id = :tenant AND e.asks AND NOT EXISTS (
      SELECT FROM outbox_messages m WHERE m.tenant_id = e.tenant_id AND m.cause = 'event:' || e.id AND m.state = 'sent')
"""
SENT = "SELECT count(*) FROM outbox_messages WHERE tenant_id = :tenant AND state = 'sent'"
UNSENT = "SELECT count(*) FROM outbox_messages WHERE tenant_id = :tenant AND state NOT IN ('sent', 'skipped')"
TWICE = """
    SELECT count(*) FROM (
      SELECT zalo_message_id FROM outbox_messages WHERE tenant_id = :tenant AND zalo_message_id IS NOT NULL
      GROUP BY zalo_message_id HAVING count(*) > 1) AS d
"""
# What the two lost tokens of the rehearsal cause; every other refusal is a mistake of ours.
EXPECTED_REFUSALS = frozenset({-216, -220, -14020})


async def prove(stage: Stage, sheet: Sheet) -> None:
    """Go by Zalo's own counting where it counts, by the database where Zalo can't know."""
    await stage.house.zalo.courier.settled()
    await stage.settled(waiting=ANYTHING)
    await _answered(stage, sheet)
    await _once(stage, sheet)
    await _neighbours(stage, sheet)
    await _limits(stage, sheet)
    await _quiet(stage, sheet)


async def _answered(stage: Stage, sheet: Sheet) -> None:
    sheet.tell("Đối chiếu số liệu của Zalo giả lập với cơ sở dữ liệu.")
    sheet.expect("Lượt hỏi được nhận vào hộp thư", stage.asked, await stage.count(ASKED))
    sheet.expect("Lượt hỏi chưa được trả lời", 0, await stage.count(UNANSWERED))
    sheet.expect("Tin chưa gửi được", 0, await stage.count(UNSENT))


async def _once(stage: Stage, sheet: Sheet) -> None:
    stats = stage.house.zalo.world.stats
    sent = await stage.count(SENT)
    sheet.expect("Tin Zalo đã nhận bằng số tin đã gửi", sent, stats.accepted_by_oa[stage.tenant.oa_id])
    repeats = "; ".join(each["text"][:80] for each in stats.repeats[:2])
    sheet.expect("Cùng một câu nói hai lần với một người", 0, stats.repeated, repeats)
    sheet.expect("Một tin ghi hai lần", 0, await stage.count(TWICE))


async def _neighbours(stage: Stage, sheet: Sheet) -> None:
    touched = [slug for slug, before in stage.neighbours_before.items() if await traces(stage, slug) != before]
    sheet.expect("Tỉnh khác bị đụng tới", "không", ", ".join(touched) or "không")
    stats = stage.house.zalo.world.stats
    strangers = {oa_id for oa_id in stats.accepted_by_oa if oa_id != stage.tenant.oa_id}
    known = {each.zalo.oa_id for each in stage.cast.neighbours}
    sheet.expect("Tin gửi qua OA lạ", 0, sum(stats.accepted_by_oa[oa_id] for oa_id in strangers - known))


def tenant_tables() -> set[str]:
    """Every table whose rows belong to a province."""
    return {table.name for table in metadata().sorted_tables if "tenant_id" in table.columns}


async def traces(stage: Stage, slug: str) -> str:
    """A fingerprint of all that a neighbour has, and how much its Official Account said."""
    tenant: Tenant = stage.house.registry.by_slug(slug)
    parts = [str(stage.house.zalo.world.stats.accepted_by_oa[tenant.oa_id])]
    for table in sorted(tenant_tables() - PASSING):
        query = f"SELECT count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t WHERE tenant_id = :tenant"  # noqa: S608
        count, digest = (await stage.sql(query, tenant))[0]
        parts.append(f"{count}:{digest}")
    return " ".join(parts)


async def _limits(stage: Stage, sheet: Sheet) -> None:
    world = stage.house.zalo.world
    oa, app = world.oa_meters[stage.tenant.oa_id], world.app_meters[stage.tenant.app.app_id]
    sheet.at_most("Lượt gọi Zalo nhiều nhất trong 60 giây của OA", oa.limit, oa.max_in_60s)
    sheet.at_most("Lượt gọi Zalo nhiều nhất trong 60 giây của ứng dụng", app.limit, app.max_in_60s)
    over = sum(meter.over for meter in (*world.oa_meters.values(), *world.app_meters.values()))
    sheet.expect("Lượt gọi vượt giới hạn", 0, over)
    strange = {code: count for code, count in world.stats.refused.items() if code not in EXPECTED_REFUSALS}
    told = ", ".join(f"mã {code}: {count} lần" for code, count in sorted(strange.items()))
    sheet.expect("Lượt gọi bị Zalo từ chối ngoài dự kiến", "không", told or "không")


async def _quiet(stage: Stage, sheet: Sheet) -> None:
    tenant = stage.tenant
    async with stage.house.registry.db.tenant(tenant.id) as session:
        incidents = await open_incidents(session, tenant.id)
        trail = await verify(session, tenant.id)
    sheet.expect("Sự cố còn mở", "không", ", ".join(each.kind.value for each in incidents) or "không")
    sheet.expect("Nhật ký kiểm toán liền mạch", True, trail.broken is None)
    sheet.expect("Nhật ký chạy lộ tên, số điện thoại hoặc khóa", "không", leaked(stage) or "không")


def leaked(stage: Stage) -> str:
    """Whose or what stands in the log in the clear, in words; empty when nothing does."""
    log = stage.log.read_text(encoding="utf-8", errors="replace")
    people = [one.dossier.applicant for one in stage.cast.citizens]
    words = {
        "tên người nộp": [each.name for each in people],
        "số điện thoại": [each.phone for each in people],
        "số giấy tờ": [each.id_number for each in people],
        "mã Zalo của công dân": [one.user_id for one in stage.cast.citizens],
        "khóa API": list(stage.keys.values()),
    }
    return ", ".join(what for what, several in words.items() if any(word in log for word in several))
