"""What holds for a recipient is looked at when they are told, not when the campaign was planned."""

from datetime import timedelta
from uuid import UUID

import pytest
from tests.campaigns.stage import Stage

from govchat.campaigns.label import label_people
from govchat.campaigns.sheet import Line
from govchat.kit import clock
from govchat.simulator.faults import Fault


async def why(stage: Stage, slug: str, campaign: UUID) -> dict[str, str]:
    """Why recipients were skipped or put off, by their id at Zalo."""
    found = await stage.run(
        slug,
        "SELECT c.zalo_user_id, a.kind FROM outbox_attempts a JOIN outbox_messages m ON m.tenant_id = :tenant AND m.id = a.message_id "
        "JOIN citizens c ON c.tenant_id = :tenant AND c.id = m.citizen_id WHERE a.tenant_id = :tenant AND m.body_ref = :id "
        "AND a.outcome IN ('skipped', 'later')",
        id=campaign,
    )
    return {row.zalo_user_id: row.kind for row in found}


async def aged(stage: Stage, slug: str, user: str, hours: int) -> None:
    """Their last interaction was so long ago."""
    await stage.run(
        slug,
        "UPDATE citizens SET last_interaction_at = :at WHERE tenant_id = :tenant AND zalo_user_id = :user",
        at=clock.now() - timedelta(hours=hours),
        user=user,
    )


async def test_who_opts_out_or_leaves_between_planning_and_sending_is_not_told(stage: Stage) -> None:
    slug = "dien-bien"
    await stage.followers(slug, 80)
    campaign = await stage.released(slug)
    await stage.fanout().round()
    assert (await stage.counts(slug, campaign))["queued"] == 80
    gone = {f"dev-{slug}-{number}" for number in range(1, 71)}
    for user in gone - {f"dev-{slug}-1"}:
        await stage.says(slug, user, granted=False)
    await stage.citizen(slug, f"dev-{slug}-1", follows=False)
    told = await stage.through(slug, campaign)
    assert (told["counts"]["sent"], told["counts"]["skipped"]) == (10, 70)
    assert await why(stage, slug, campaign) == dict.fromkeys(gone, "opted_out") | {f"dev-{slug}-1": "not_following"}
    assert not any(stage.heard(slug, user) for user in gone)


async def test_who_opted_out_is_not_even_planned_and_promotions_want_consent(stage: Stage) -> None:
    slug = "dong-thap"
    await stage.followers(slug, 4)
    await stage.says(slug, f"dev-{slug}-1", granted=False)
    await stage.says(slug, f"dev-{slug}-2", granted=True)
    announced, promoted = await stage.released(slug), await stage.released(slug, kind="promotion")
    assert (await stage.through(slug, announced))["counts"]["total"] == 3
    told = await stage.through(slug, promoted)
    assert (told["counts"]["total"], told["counts"]["sent"]) == (1, 1)
    assert [len(stage.heard(slug, f"dev-{slug}-{number}")) for number in range(1, 5)] == [0, 2, 1, 1]


async def test_a_second_promotion_of_the_day_waits_for_the_next_morning(stage: Stage) -> None:
    slug, user = "gia-lai", "dev-gia-lai-1"
    await stage.followers(slug, 1)
    await stage.says(slug, user, granted=True)
    first, second = [await stage.released(slug, kind="promotion") for _ in range(2)]
    await stage.fanout().round()
    await stage.send(slug)
    assert [(await stage.counts(slug, each))["sent"] for each in (first, second)] == [1, 0]
    assert await why(stage, slug, second) == {user: "one_a_day"}
    assert "mỗi người một tin mỗi ngày: gửi tiếp lúc 06:0" in (await stage.shown(slug, second))["trouble"]
    with clock.shifted(timedelta(hours=17)):  # 03:00: another day, but night
        await stage.send(slug)
        assert (await stage.counts(slug, second))["sent"] == 0
    with clock.shifted(timedelta(hours=22)):
        await stage.citizen(slug, user)
        await stage.send(slug)
        assert (await stage.counts(slug, second))["sent"] == 1


@pytest.mark.parametrize(("kind", "sent"), [("announcement", 0), ("promotion", 0), ("emergency", 1)])
async def test_at_night_an_emergency_alone_goes_out(stage: Stage, kind: str, sent: int) -> None:
    slug = {"announcement": "hung-yen", "promotion": "khanh-hoa", "emergency": "lam-dong"}[kind]
    await stage.followers(slug, 1)
    await stage.says(slug, f"dev-{slug}-1", granted=True)
    campaign = await stage.released(slug, kind=kind)
    await stage.fanout().round()
    with clock.shifted(timedelta(hours=13)):  # 23:00
        await stage.citizen(slug, f"dev-{slug}-1")
        await stage.send(slug)
        assert (await stage.counts(slug, campaign))["sent"] == sent
    await stage.run(slug, "UPDATE citizens SET last_interaction_at = :at WHERE tenant_id = :tenant", at=clock.now())
    assert (await stage.through(slug, campaign))["counts"]["sent"] == 1


async def test_a_promotion_keeps_the_night_where_the_province_has_settled_none(stage: Stage) -> None:
    slug = "ninh-binh"
    await stage.followers(slug, 1)
    await stage.says(slug, f"dev-{slug}-1", granted=True)
    campaign = await stage.released(slug, kind="promotion")
    await stage.fanout().round()
    await stage.run(slug, "UPDATE outbox_bodies SET quiet_from = '00:00', quiet_to = '00:00' WHERE tenant_id = :tenant")
    for hours in (12, 13, 19):  # 22:00, 23:00, 05:00
        with clock.shifted(timedelta(hours=hours)):
            await stage.send(slug)
    assert (await stage.counts(slug, campaign))["sent"] == 0
    await stage.send(slug)
    assert (await stage.counts(slug, campaign))["sent"] == 1


async def test_ways_cost_and_the_ceiling_are_decided_when_it_is_said(stage: Stage) -> None:
    slug = "nghe-an"
    await stage.followers(slug, 5)
    for number, hours in ((2, 60), (3, 60), (4, 60), (5, 24 * 9)):
        await aged(stage, slug, f"dev-{slug}-{number}", hours)
    free = await stage.released(slug)
    told = await stage.through(slug, free)
    assert (told["counts"]["sent"], told["counts"]["skipped"]) == (1, 4)
    assert set((await why(stage, slug, free)).values()) == {"no_channel"}
    status, refused = await stage.call(slug, "POST", f"/{(await stage.draft(slug, max_cost=120))['id']}/approve")
    assert (status, refused["code"]) == (409, "campaign_over_budget")
    await stage.run(
        slug, "INSERT INTO notice_settings (tenant_id, monthly_budget, paid_window) VALUES (:tenant, 500, true)"
    )
    paid = await stage.released(slug, max_cost=120)
    status, estimate = await stage.call(slug, "GET", f"/{paid}/estimate")
    assert (estimate["recipients"], estimate["cost"]) == (5, 165)
    assert estimate["channels"] == {"cs": 1, "cs_paid": 3, "uid": 0, "broadcast": 0, "none": 1}
    told = await stage.through(slug, paid)
    assert (told["counts"]["sent"], told["counts"]["skipped"], told["spent"]) == (3, 2, 110)
    assert sorted((await why(stage, slug, paid)).values()) == ["no_channel", "over_ceiling"]
    (purse,) = await stage.run(
        slug, "SELECT reserved, spent FROM notice_budgets WHERE tenant_id = :tenant AND length(period) = 7"
    )
    assert tuple(purse) == (0, 110), "what was not spent is the province's again"


async def test_outside_the_window_an_approved_template_says_it(stage: Stage) -> None:
    slug, user = "phu-tho", "dev-phu-tho-1"
    await stage.followers(slug, 1)
    await aged(stage, slug, user, 24 * 30)
    await stage.run(
        slug,
        "INSERT INTO zbs_templates (tenant_id, template_id, name, status, quality, tag, params, price_uid, synced_at) VALUES "
        """(:tenant, '77', 'Tin', 'ENABLE', 'HIGH', 'CUSTOMER_CARE', '[{"name": "ho_ten", "max_length": 60}]', 0, now())""",
    )
    message = {"text": "Tin", "template": {"template_id": "77", "data": {"ho_ten": "{ten}"}}}
    for wrong, data in (
        ("không có tham số", {"x": "y"}),
        ("ký tự", {"ho_ten": "{ten} và gia đình" + " rất đông" * 6}),
    ):
        body = {"name": "x", "class": "announcement", "audience": {"all_followers": True}}
        body["message"] = {"text": "Tin", "template": {"template_id": "77", "data": data}}  # type: ignore[assignment]
        status, told = await stage.call(slug, "POST", "", body=body)
        assert (status, wrong in told["detail"]) == (422, True), told
    campaign = await stage.released(slug, message=message)
    await stage.through(slug, campaign)
    (row,) = await stage.run(
        slug, "SELECT channel, cost FROM outbox_messages WHERE tenant_id = :tenant AND body_ref = :id", id=campaign
    )
    assert tuple(row) == ("uid", 0)


async def test_what_a_citizen_refuses_is_remembered_for_the_next_campaign(stage: Stage) -> None:
    slug, user = "quang-ninh", "dev-quang-ninh-1"
    await stage.followers(slug, 2)
    stage.house.zalo.world.faults.add(Fault(kind="error", call="cs", user=user, count=1, code=-244))
    first = await stage.through(slug, await stage.released(slug))
    assert (first["counts"]["sent"], first["counts"]["failed"]) == (1, 1)
    second = await stage.released(slug)
    told = await stage.through(slug, second)
    assert (told["counts"]["sent"], told["counts"]["skipped"]) == (1, 1)
    assert await why(stage, slug, second) == {user: "no_channel"}


async def test_the_words_are_each_recipients_own(stage: Stage) -> None:
    slug = "quang-ngai"
    tenant = await stage.followers(slug, 3)
    vault = await stage.house.registry.tenant_vault(tenant.id)
    async with stage.house.registry.db.tenant(tenant.id) as session:
        lines = [Line(2, user_id=f"dev-{slug}-1", commune="Xã Bình Sơn", tags=("bão", "Trưởng thôn"))]
        await label_people(session, vault, tenant.id, lines, actor="test:one")
    campaign = await stage.released(slug, message={"text": "Kính gửi {ten}, {xa} có mưa lớn."})
    told = await stage.through(slug, campaign)
    assert told["counts"]["sent"] == 3
    assert stage.heard(slug, f"dev-{slug}-1") == ["Kính gửi anh/chị, Xã Bình Sơn có mưa lớn."]
    assert stage.heard(slug, f"dev-{slug}-2") == ["Kính gửi anh/chị, địa phương có mưa lớn."]
