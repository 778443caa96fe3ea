"""Two persons, every act in the audit trail, and acts that do no harm when they are done twice."""

from datetime import timedelta
from uuid import UUID

from tests.campaigns.stage import Stage

from govchat.campaigns import arrange, steer
from govchat.kit import clock


async def acts(stage: Stage, slug: str, campaign: object) -> list[str]:
    found = await stage.run(
        slug,
        "SELECT act FROM audit_entries WHERE tenant_id = :tenant AND subject = :subject ORDER BY number",
        subject=f"campaign:{campaign}",
    )
    return [row.act for row in found]


async def test_who_drafted_it_can_not_approve_it_and_nothing_goes_out_before(stage: Stage) -> None:
    slug = "quang-tri"
    await stage.followers(slug, 2)
    mine, theirs = await stage.house.key(slug), await stage.house.key(slug)
    made = await stage.draft(slug, key=mine)
    for _ in range(2):
        await stage.fanout().round()
    status, told = await stage.call(slug, "POST", f"/{made['id']}/approve", key=mine)
    assert (status, told["code"]) == (403, "campaign_needs_second_person")
    writer = await stage.house.key(slug, "campaigns:write")
    assert (await stage.call(slug, "POST", f"/{made['id']}/approve", key=writer))[0] == 403
    assert (await stage.shown(slug, made["id"]))["state"] == "draft"
    for _ in range(2):
        status, told = await stage.call(slug, "POST", f"/{made['id']}/approve", key=theirs)
        assert (status, told["state"]) == (200, "approved")
        assert told["approved_by"] != told["created_by"]
    await stage.through(slug, made["id"])
    assert await acts(stage, slug, made["id"]) == ["campaign.drafted", "campaign.approved", "campaign.ended"]


async def test_an_emergency_is_released_by_those_whom_the_province_has_named(stage: Stage) -> None:
    slug = "son-la"
    tenant = stage.tenant(slug)
    made = await stage.draft(slug, kind="emergency")
    db = stage.house.registry.db
    async with db.tenant(tenant.id) as session:
        await arrange.settle(session, tenant.id, emergency_by=["cli:chanh-van-phong"], actor="test:one")
    status, told = await stage.call(slug, "POST", f"/{made['id']}/approve")
    assert (status, told["code"]) == (403, "campaign_emergency_reserved")
    async with db.tenant(tenant.id) as session:
        row = await steer.approve(session, tenant.id, UUID(made["id"]), actor="cli:chanh-van-phong")
        assert row.state == "approved"
    assert await acts(stage, slug, made["id"]) == ["campaign.drafted", "campaign.emergency_approved"]


async def test_a_scheduled_campaign_begins_at_its_time_or_when_somebody_starts_it(stage: Stage) -> None:
    slug = "tay-ninh"
    await stage.followers(slug, 1)
    at = (clock.now() + timedelta(hours=2)).isoformat()
    first, second = await stage.released(slug, send_at=at), await stage.released(slug, send_at=at)
    assert (await stage.shown(slug, first))["state"] == "scheduled"
    await stage.fanout().round()
    assert (await stage.shown(slug, first))["counts"]["total"] == 0
    tenant = stage.tenant(slug)
    async with stage.house.registry.db.tenant(tenant.id) as session:
        await steer.start(session, tenant.id, second, actor="cli:an")
    await stage.fanout().round()
    assert [(await stage.shown(slug, each))["state"] for each in (first, second)] == ["scheduled", "running"]
    with clock.shifted(timedelta(hours=3)):
        await stage.fanout().round()
        assert (await stage.shown(slug, first))["state"] == "running"


async def test_acts_that_the_state_does_not_allow_are_refused_and_repeated_ones_do_no_harm(stage: Stage) -> None:
    slug = "thai-nguyen"
    made = await stage.draft(slug)
    for act in ("pause", "resume"):
        status, told = await stage.call(slug, "POST", f"/{made['id']}/{act}")
        assert (status, told["code"], told["state"]) == (409, "campaign_state_conflict", "draft")
    for act, state in (("approve", "approved"), ("pause", "paused"), ("resume", "approved"), ("cancel", "cancelled")):
        for _ in range(2):
            status, told = await stage.call(slug, "POST", f"/{made['id']}/{act}")
            assert (status, told["state"]) == (200, state)
    assert (await stage.call(slug, "POST", f"/{made['id']}/approve"))[0] == 409
    names = ["drafted", "approved", "paused", "resumed", "cancelled"]
    assert await acts(stage, slug, made["id"]) == [f"campaign.{name}" for name in names]


async def test_a_test_key_is_answered_as_if_and_moves_no_real_campaign(stage: Stage) -> None:
    slug = "thanh-hoa"
    made, key = await stage.draft(slug), await stage.test_key(slug)
    status, told = await stage.call(slug, "POST", f"/{made['id']}/approve", key=key)
    assert (status, told["state"]) == (200, "approved")
    assert (await stage.shown(slug, made["id"]))["state"] == "draft"
    assert await acts(stage, slug, made["id"]) == ["campaign.drafted"]


async def test_testers_alone_get_the_unapproved_message(stage: Stage) -> None:
    slug = "vinh-long"
    tenant = await stage.followers(slug, 3)
    made = await stage.draft(slug, message={"text": "Thử {xa}"})
    for body in ({}, {"user_ids": [f"dev-{slug}-2"]}):
        status, told = await stage.call(slug, "POST", f"/{made['id']}/test", body=body)
        assert (status, told["code"]) == (409, "campaign_no_testers")
    await stage.tester(slug, f"dev-{slug}-2")
    status, told = await stage.call(slug, "POST", f"/{made['id']}/test", body={})
    assert (status, told) == (202, {"queued": 1, "simulated": 0, "skipped": 0})
    status, told = await stage.call(slug, "POST", f"/{made['id']}/test", body={}, key=await stage.test_key(slug))
    assert (status, told) == (202, {"queued": 0, "simulated": 1, "skipped": 0})
    found = await stage.run(slug, "SELECT lane, body_ref FROM outbox_messages WHERE tenant_id = :tenant")
    assert [tuple(row) for row in found] == [(2, None)]
    assert (await stage.shown(slug, made["id"]))["counts"]["total"] == 0
    assert tenant.speaks
