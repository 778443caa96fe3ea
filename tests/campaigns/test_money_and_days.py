"""What was not spent returns to the ceiling, and a template says no more a day than Zalo allows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.campaigns.stage import Stage
from tests.campaigns.test_send_time import aged, why
from tests.journeys.stage import eventually

from govchat.kit import clock
from govchat.simulator.faults import Fault
from govchat.simulator.templates import SAMPLES

TEMPLATE = (
    "INSERT INTO zbs_templates (tenant_id, template_id, name, status, quality, tag, params, price_uid, quota, synced_at) VALUES "
    """(:tenant, '310002', 'Tin', 'ENABLE', 'HIGH', 'TRANSACTION', '[{"name": "ho_ten"}, {"name": "ma_ho_so"}, {"name": "trang_thai"}]',
        0, :quota, now()) """
    "ON CONFLICT (tenant_id, template_id) DO UPDATE SET quota = excluded.quota"
)
SAID = {
    "text": "Tin",
    "template": {"template_id": "310002", "data": {"ho_ten": "{ten}", "ma_ho_so": "1", "trang_thai": "mới"}},
}


async def test_what_a_refusal_did_not_cost_pays_for_the_next_recipient(stage: Stage) -> None:
    slug = "ho-chi-minh"
    await stage.alone(slug, 3)
    for number in (1, 2, 3):
        await aged(stage, slug, f"dev-{slug}-{number}", 60)
    await stage.run(
        slug, "INSERT INTO notice_settings (tenant_id, monthly_budget, paid_window) VALUES (:tenant, 500, true)"
    )
    stage.house.zalo.world.faults.add(Fault(kind="error", oa=slug, call="cs", count=1, code=-213))
    campaign = await stage.released(slug, max_cost=110)
    fanout = stage.fanout()
    await fanout.round()
    await stage.send(slug)
    told = await stage.counts(slug, campaign)
    assert (told["sent"], told["failed"], told["queued"]) == (1, 1, 1), "the third waits: money may come back"

    async def on() -> dict[str, Any]:
        await fanout.round()
        with clock.shifted(timedelta(seconds=2)):
            return await stage.through(slug, campaign)

    told = await eventually(on, until=lambda told: told["state"] == "done", what="the money coming back")
    assert (told["state"], told["counts"]["sent"], told["spent"]) == ("done", 2, 110)
    (body,) = await stage.run(
        slug, "SELECT ceiling, reserved FROM outbox_bodies WHERE tenant_id = :tenant AND id = :id", id=campaign
    )
    assert tuple(body) == (110, 110)


async def test_a_template_says_no_more_a_day_than_zalo_allows_and_goes_on_tomorrow(stage: Stage) -> None:
    slug = "thai-nguyen"
    await stage.alone(slug, 5)
    for number in range(1, 6):
        await aged(stage, slug, f"dev-{slug}-{number}", 24 * 30)
    await stage.run(slug, TEMPLATE, quota=2)
    campaign = await stage.released(slug, message=SAID)
    _, estimate = await stage.call(slug, "GET", f"/{campaign}/estimate")
    assert any("2 tin mỗi ngày" in each for each in estimate["warnings"]), estimate
    await stage.fanout().round()
    await stage.send(slug)
    assert (await stage.counts(slug, campaign))["sent"] == 2
    assert set((await why(stage, slug, campaign)).values()) == {"template_spent"}
    assert "không cho gửi thêm theo mẫu tin này" in (await stage.shown(slug, campaign))["trouble"]
    second = await stage.released(slug, message=SAID)
    await stage.fanout().round()
    await stage.send(slug)
    assert (await stage.counts(slug, second))["sent"] == 0, "the day is the template's, not the campaign's"
    with clock.shifted(timedelta(days=1)):
        await stage.send(slug)
        assert [(await stage.counts(slug, each))["sent"] for each in (campaign, second)] == [4, 0]


async def test_a_long_name_is_cut_to_what_the_template_takes(stage: Stage) -> None:
    slug = "gia-lai"
    await stage.alone(slug, 1)
    await aged(stage, slug, f"dev-{slug}-1", 24 * 30)
    await stage.run(slug, TEMPLATE.replace('{"name": "ho_ten"}', '{"name": "ho_ten", "max_length": 30}'), quota=None)
    name = "Nguyễn Phúc " + "Hoàng " * 8
    held = f"user_id,name\ndev-{slug}-1,{name}\n".encode()
    status, people = await stage.call(slug, "POST", "/lists", data=held)
    assert (status, people["known"]) == (201, 1)
    audience = {"segment": {"list_id": people["list_id"]}}
    told = await stage.through(slug, await stage.released(slug, message=SAID, audience=audience))
    assert (told["counts"]["sent"], told["counts"]["failed"]) == (1, 0)
    assert f"Kính gửi {name[:30]}," in stage.heard(slug, f"dev-{slug}-1")[-1]


async def test_when_zalo_refuses_a_template_for_today_nobody_else_is_tried(stage: Stage) -> None:
    slug = "thanh-hoa"
    await stage.alone(slug, 60)
    await stage.run(
        slug,
        "UPDATE citizens SET last_interaction_at = :at WHERE tenant_id = :tenant",
        at=clock.now() - timedelta(days=30),
    )
    await stage.run(slug, TEMPLATE, quota=None)
    world = stage.house.zalo.world
    oa = stage.tenant(slug).oa_id
    world.changed_templates[oa, "310002"] = replace(SAMPLES["310002"], quota=5)
    before = world.stats.refused[-211]
    campaign = await stage.released(slug, message=SAID)
    await stage.fanout().round()
    await stage.send(slug)
    told = await stage.counts(slug, campaign)
    assert (told["sent"], told["queued"], told["failed"]) == (5, 55, 0)
    assert world.stats.refused[-211] - before <= 32, "what was on its way when Zalo first said no, and nobody after"
