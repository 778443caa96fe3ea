"""From an approved draft to messages at Zalo: everybody once, whatever is killed, and not more than the outbox has room for."""

import asyncio
import contextlib
import random
from datetime import timedelta

import pytest
from tests.campaigns.stage import Stage

from govchat.campaigns import arrange, expand, finish
from govchat.campaigns.fanout import PAGE_BESIDE
from govchat.kit import clock
from govchat.outbox import tally
from govchat.sender import sweep
from govchat.sender.drain import BULK
from govchat.simulator.faults import Fault


async def test_everybody_who_follows_is_told_once_and_every_one_is_counted(stage: Stage) -> None:
    slug = "an-giang"
    await stage.followers(slug, 30)
    await stage.citizen(slug, "gone", follows=False)
    await stage.citizen(slug, "tel:0123")
    campaign = await stage.released(slug)
    told = await stage.through(slug, campaign, page=7)
    assert told["state"] == "done"
    assert told["counts"] == {
        "total": 30, "queued": 0, "sending": 0, "sent": 30, "uncertain": 0, "failed": 0, "skipped": 0,
    }  # fmt: skip
    for number in range(1, 31):
        assert stage.heard(slug, f"dev-{slug}-{number}") == ["Lịch tiếp công dân tháng 12."]


async def test_a_page_that_dies_leaves_nothing_and_the_next_process_goes_on_from_the_one_before(stage: Stage) -> None:
    slug = "bac-ninh"
    tenant = await stage.followers(slug, 20)
    campaign = await stage.released(slug)
    fanout = stage.fanout(page=6)
    assert await fanout._begin(tenant, campaign)
    db = stage.house.registry.db
    for dies in (True, False, True):
        with contextlib.suppress(KeyboardInterrupt):
            async with db.tenant(tenant.id) as session:
                page = await expand.expand(session, tenant, campaign, echo=b"", size=6)
                assert page is not None
                assert (page.put, page.last) == (6, False)
                if dies:
                    raise KeyboardInterrupt
    assert (await stage.counts(slug, campaign))["total"] == 6
    await stage.fanout(page=6).round()
    assert (await stage.counts(slug, campaign))["total"] == 20


async def test_while_citizens_write_pages_are_small_and_everybody_is_planned_all_the_same(stage: Stage) -> None:
    slug = "phu-tho"
    await stage.followers(slug, PAGE_BESIDE + 30)
    campaign = await stage.released(slug)
    fanout, waits = stage.fanout(), [True, False]
    planned = []

    async def waiting() -> bool:
        planned.append((await stage.shown(slug, campaign))["counts"]["total"])
        return waits.pop(0)

    fanout.waiting = waiting
    await fanout.round()
    assert planned == [0, PAGE_BESIDE]
    assert (await stage.counts(slug, campaign))["total"] == PAGE_BESIDE + 30


async def test_processes_killed_at_any_moment_and_two_at_once_plan_everybody_once(stage: Stage) -> None:
    slug, chance = "ca-mau", random.Random(7)
    await stage.followers(slug, 200)
    campaign = await stage.released(slug)
    for _ in range(12):
        both = [asyncio.create_task(stage.fanout(page=5).round()) for _ in range(2)]
        await asyncio.wait(both, timeout=chance.uniform(0.005, 0.04))
        for each in both:
            each.cancel()
        await asyncio.gather(*both, return_exceptions=True)
    fanout = stage.fanout(page=50)
    while (await stage.shown(slug, campaign))["planning"] or (await stage.shown(slug, campaign))["state"] == "approved":
        await fanout.round()
    assert (await stage.counts(slug, campaign))["total"] == 200
    people = await stage.run(
        slug,
        "SELECT DISTINCT citizen_id FROM outbox_messages WHERE tenant_id = :tenant AND body_ref = :id",
        id=campaign,
    )
    assert len(people) == 200


async def test_expansion_waits_while_the_outbox_is_full_and_goes_on_by_itself(stage: Stage) -> None:
    slug = "cao-bang"
    tenant = await stage.followers(slug, 40)
    async with stage.house.registry.db.tenant(tenant.id) as session:
        await arrange.settle(session, tenant.id, most_unsent=10, actor="test:one")
    campaign = await stage.released(slug)
    fanout = stage.fanout(page=4)
    for _ in range(3):
        await fanout.round()
    assert (await stage.counts(slug, campaign))["queued"] == 11, "the one that passed the threshold was the last"
    told = await stage.through(slug, campaign, page=4)
    assert (told["state"], told["counts"]["sent"]) == ("done", 40)


async def test_a_follower_who_comes_while_it_is_planned_is_told_too(stage: Stage) -> None:
    slug = "da-nang"
    tenant = await stage.followers(slug, 4)
    campaign = await stage.released(slug)
    fanout = stage.fanout(page=2)
    await fanout._begin(tenant, campaign)
    async with stage.house.registry.db.tenant(tenant.id) as session:
        await expand.expand(session, tenant, campaign, echo=b"", size=2)
    await stage.followers(slug, 5)
    assert (await stage.through(slug, campaign))["counts"]["sent"] == 5


async def test_paused_rests_resumed_goes_on_and_cancelled_tells_nobody_else(stage: Stage) -> None:
    slug = "dak-lak"
    await stage.followers(slug, 12)
    campaign = await stage.released(slug)
    await stage.fanout().round()
    assert (await stage.call(slug, "POST", f"/{campaign}/pause"))[1]["state"] == "paused"
    await stage.send(slug)
    assert (await stage.counts(slug, campaign))["queued"] == 12
    told = (await stage.call(slug, "POST", f"/{campaign}/resume"))[1]
    assert told["state"] == "running"
    await stage.run(
        slug,
        "UPDATE outbox_messages SET due_at = :later WHERE tenant_id = :tenant AND body_ref = :id "
        "AND id IN (SELECT id FROM outbox_messages WHERE tenant_id = :tenant AND body_ref = :id ORDER BY id LIMIT 5)",
        id=campaign,
        later=clock.now() + timedelta(hours=1),
    )
    await stage.send(slug)
    assert (await stage.counts(slug, campaign))["sent"] == 7
    told = (await stage.call(slug, "POST", f"/{campaign}/cancel"))[1]
    assert (told["state"], told["counts"]["queued"], told["counts"]["skipped"]) == ("cancelled", 0, 5)
    for _ in range(2):
        await stage.fanout().round()
    assert await stage.counts(slug, campaign) == told["counts"]
    assert sum(len(stage.heard(slug, f"dev-{slug}-{number}")) for number in range(1, 13)) == 7


async def test_a_campaign_never_repeats_a_message_whose_fate_nobody_knows(stage: Stage) -> None:
    slug = "dong-nai"
    tenant = await stage.followers(slug, 3)
    stage.house.zalo.world.faults.add(Fault(kind="echo_lost", user=f"dev-{slug}-2"))
    stage.house.zalo.world.faults.add(Fault(kind="reply_lost", call="cs", user=f"dev-{slug}-2", count=1))
    campaign = await stage.released(slug)
    told = await stage.through(slug, campaign)
    assert (told["state"], told["counts"]["sent"], told["counts"]["uncertain"]) == ("running", 2, 1)
    assert len(stage.heard(slug, f"dev-{slug}-2")) == 1
    # Zalo's echo settles it later, and the counts follow.
    await stage.run(
        slug,
        "UPDATE outbox_messages SET state = 'sent', settled_by = 'echo' WHERE tenant_id = :tenant AND body_ref = :id "
        "AND state = 'uncertain'",
        id=campaign,
    )
    assert (await stage.counts(slug, campaign))["sent"] == 3
    assert (await stage.through(slug, campaign))["state"] == "done"
    await stage.fanout().round()
    assert await tally.fold(stage.house.registry.db, [tenant.id]) == 0, "folded by the fan-out already"
    assert (await stage.counts(slug, campaign))["sent"] == 3


@pytest.mark.parametrize("readable", [True, False])
async def test_a_campaign_waits_for_doubts_so_that_nobody_who_was_not_told_is_forgotten(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, readable: bool
) -> None:
    """Zalo hung up without saying it. Its history proves that, then the citizen is told; unreadable, the doubt stays and is counted."""
    slug = "ha-noi" if readable else "son-la"
    tenant = await stage.followers(slug, 1)
    world, user = stage.house.zalo.world, f"dev-{slug}-1"
    world.seed(tenant.oa_id, 1, "xin chào")
    monkeypatch.setattr(sweep, "STALE_AFTER", timedelta(days=-1))  # whatever the hour is made to be
    world.faults.add(Fault(kind="reset", call="cs", user=user, count=1))
    campaign = await stage.released(slug)
    told = await stage.through(slug, campaign)
    assert (told["state"], told["counts"]["uncertain"]) == ("running", 1)
    if readable:
        await sweep.sweep(stage.drainer, tenant, BULK)
        told = await stage.through(slug, campaign)
    else:
        monkeypatch.setattr(finish, "PATIENCE", timedelta(0))
        told = await stage.through(slug, campaign)
        assert await sweep.sweep(stage.drainer, tenant, BULK) == 0, "what was left to the contract stays as it is"
    assert told["state"] == "done"
    assert (told["counts"]["sent"], told["counts"]["uncertain"]) == ((1, 0) if readable else (0, 1))
    assert len(stage.heard(slug, user)) == (1 if readable else 0)


async def test_a_campaign_of_one_province_never_reaches_anothers_citizens(stage: Stage) -> None:
    ours, theirs = "hue", "lai-chau"
    for slug in (ours, theirs):
        await stage.citizen(slug, "dev-shared-1")
    await stage.followers(ours, 2)
    await stage.followers(theirs, 2)
    listed = await stage.released(ours, audience={"user_ids": [f"dev-{theirs}-1", f"dev-{ours}-1"]})
    everybody = await stage.released(ours)
    await stage.through(ours, listed)
    await stage.through(ours, everybody)
    assert (await stage.shown(ours, listed))["counts"]["total"] == 1
    assert await stage.run(theirs, "SELECT 1 FROM outbox_messages WHERE tenant_id = :tenant") == []
    for number in (1, 2):
        assert stage.heard(theirs, f"dev-{theirs}-{number}") == []
    for method, path in (("GET", ""), ("GET", "/estimate"), ("POST", "/approve"), ("POST", "/cancel")):
        assert (await stage.call(theirs, method, f"/{listed}{path}"))[0] == 404


@pytest.mark.parametrize("mode", ["trial", "test key"])
async def test_on_trial_testers_alone_hear_it_and_of_a_test_key_nobody_does(stage: Stage, mode: str) -> None:
    slug = {"trial": "lang-son", "test key": "lao-cai"}[mode]
    tenant = await stage.followers(slug, 6)
    key = await stage.test_key(slug) if mode == "test key" else ""
    if mode == "trial":
        await stage.state_of(slug, "trial")
        await stage.tester(slug, f"dev-{slug}-2")
    made = await stage.draft(slug, key=key)
    approver = await stage.test_key(slug) if key else ""
    status, told = await stage.call(slug, "POST", f"/{made['id']}/approve", key=approver)
    assert status == 200, told
    told = await stage.through(slug, made["id"])
    assert told["state"] == "done"
    heard = [number for number in range(1, 7) if stage.heard(slug, f"dev-{slug}-{number}")]
    if mode == "trial":
        assert (heard, told["counts"]["total"]) == ([2], 1)
        await stage.state_of(slug, "live")
    else:
        assert (heard, told["counts"]["skipped"], told["test"]) == ([], 6, True)
    assert tenant.slug == slug
