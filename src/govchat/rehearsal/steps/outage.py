"""An hour in which Zalo's webhooks don't arrive: noticed, made up for once, and over when events come again."""

from govchat.connect.keep import keep_webhook
from govchat.incidents.models import Kind
from govchat.incidents.queries import Incident, open_incidents
from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import Stage, first_wrong, gather
from govchat.simulator import events
from govchat.simulator.faults import Fault

LATE = 5
ARRIVED = "SELECT count(*) FROM inbox_events WHERE tenant_id = :tenant AND event_name = 'user_send_text'"


async def outage(stage: Stage, sheet: Sheet) -> None:
    """Some ask while the webhook is dead; Zalo delivers their messages late, after they were taken up."""
    hands, zalo = stage.house.hands, stage.house.zalo
    await keep_webhook(hands, stage.tenant)
    people = stage.cast.citizens[-stage.cast.size.few :]
    before = await stage.count(ARRIVED)
    fault = zalo.world.faults.add(Fault(kind="webhook_lost", oa=stage.slug))
    await gather(_say(stage, one.user_id, f"tra cứu {one.other.code}") for one in people)
    stage.asked += len(people)
    sheet.tell(f"Webhook mất, {len(people)} người nhắn trong lúc đó; hệ thống so với danh sách trò chuyện của Zalo.")
    sheet.expect("Sự kiện đến trong lúc mất webhook", 0, await stage.count(ARRIVED) - before)
    found = await keep_webhook(hands, stage.tenant)
    sheet.expect("Tin nhắn được lấy lại", len(people), found.recovered if found else 0)
    await stage.settled()
    said = [stage.heard(one.user_id) for one in people]
    good, wrong = first_wrong(said, lambda at, told: people[at].other.code in told)
    sheet.expect("Được trả lời", len(people), good, wrong)
    again = await keep_webhook(hands, stage.tenant)
    sheet.expect("So lại lần nữa, lấy thêm", 0, again.recovered if again else 0)
    incidents = await _incidents(stage)
    sheet.expect("Sự cố webhook mở ra, nói rõ ai phải làm gì", 1, sum(1 for each in incidents if each.todo))
    zalo.world.faults.remove(fault.id)
    await _come_late(stage, sheet)
    await stage.ask([(people[0].user_id, f"hồ sơ {people[0].dossier.code} có gì mới không")])
    await keep_webhook(hands, stage.tenant)
    sheet.expect("Sự cố còn mở sau khi webhook có lại", 0, len(await _incidents(stage)))


async def _say(stage: Stage, user_id: str, words: str) -> None:
    await stage.house.zalo.say(stage.slug, user_id, words)


async def _come_late(stage: Stage, sheet: Sheet) -> None:
    """Zalo's own ladder brings some of the lost messages after all: they are known."""
    zalo, people = stage.house.zalo, stage.cast.citizens[-min(LATE, stage.cast.size.few) :]
    config = zalo.world.oa(stage.slug)
    before = await stage.count(
        "SELECT count(*) FROM inbox_events WHERE tenant_id = :tenant AND event_name LIKE 'user_%'"
    )
    for one in people:
        person = zalo.world.person(config.oa_id, one.user_id)
        lost = next(each for each in reversed(person.messages) if not each.outgoing)
        await zalo.courier.post(config, one.user_id, events.said_by_user(config, person, lost))
    after = await stage.count(
        "SELECT count(*) FROM inbox_events WHERE tenant_id = :tenant AND event_name LIKE 'user_%'"
    )
    sheet.expect("Tin Zalo giao muộn bị tính thêm lần nữa", 0, after - before)


async def _incidents(stage: Stage) -> list[Incident]:
    async with stage.house.registry.db.tenant(stage.tenant.id) as session:
        return [each for each in await open_incidents(session, stage.tenant.id) if each.kind is Kind.WEBHOOK]
