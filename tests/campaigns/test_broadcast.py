"""An article goes out by Zalo's broadcast where law allows it: to every follower, by day, once; else each is told one by one."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.campaigns.stage import Stage

from govchat.kit import clock
from govchat.simulator.faults import Fault

ARTICLE: dict[str, Any] = {
    "title": "Lịch tiếp công dân", "author": "UBND tỉnh", "description": "Tháng 12", "cover_url": "https://tinh.gov.vn/a.jpg",
    "body": [{"text": "Từ 8 giờ."}, {"image_url": "https://tinh.gov.vn/b.jpg", "caption": "Trụ sở"}],
}  # fmt: skip
MESSAGE = {"text": "Lịch tiếp công dân: từ 8 giờ.", "article": ARTICLE}


@pytest.fixture(autouse=True)
def _zalo_is_quick(stage: Stage) -> None:
    stage.house.zalo.world.articles.seconds = 0


async def moved(stage: Stage, slug: str, campaign: UUID, turns: int = 4) -> dict[str, Any]:
    """The campaign after some turns of the fan-out."""
    fanout, tenant = stage.fanout(), stage.tenant(slug)
    for _ in range(turns):
        await fanout.move([tenant.id])
    await stage.send(slug)
    await fanout.move([tenant.id])
    return await stage.shown(slug, campaign)


def broadcasts(stage: Stage, slug: str) -> list[int]:
    """To how many followers Zalo broadcast for this province, one by one."""
    oa = stage.tenant(slug).oa_id
    return [each.followers for each in stage.house.zalo.world.articles.broadcasts if each.oa_id == oa]


async def acts(stage: Stage, slug: str, campaign: UUID) -> list[str]:
    found = await stage.run(
        slug,
        "SELECT act FROM audit_entries WHERE tenant_id = :tenant AND subject = :subject ORDER BY number",
        subject=f"campaign:{campaign}",
    )
    return [row.act for row in found]


async def test_an_article_is_broadcast_once_to_all_who_follow_whatever_their_window(stage: Stage) -> None:
    slug = "vinh-long"
    await stage.alone(slug, 6)
    await stage.run(
        slug,
        "UPDATE citizens SET last_interaction_at = :at WHERE tenant_id = :tenant",
        at=clock.now() - timedelta(days=40),
    )
    campaign = await stage.released(slug, message=MESSAGE)
    _, estimate = await stage.call(slug, "GET", f"/{campaign}/estimate")
    assert estimate["channels"] == {"cs": 0, "cs_paid": 0, "uid": 0, "broadcast": 6, "none": 0}
    assert (estimate["cost"], estimate["warnings"]) == (0, [])
    told = await moved(stage, slug, campaign)
    assert (told["state"], told["way"], told["counts"]["total"], told["counts"]["sent"]) == ("done", "broadcast", 6, 6)
    assert broadcasts(stage, slug) == [6]
    assert await acts(stage, slug, campaign) == [
        "campaign.drafted", "campaign.approved", "campaign.broadcast", "campaign.ended",
    ]  # fmt: skip


async def test_as_soon_as_one_has_opted_out_each_is_told_one_by_one(stage: Stage) -> None:
    slug = "tuyen-quang"
    await stage.alone(slug, 3)
    await stage.says(slug, f"dev-{slug}-2", granted=False)
    campaign = await stage.released(slug, message=MESSAGE)
    _, estimate = await stage.call(slug, "GET", f"/{campaign}/estimate")
    assert any("1 người đã từ chối" in each for each in estimate["warnings"]), estimate
    told = await moved(stage, slug, campaign)
    assert (told["state"], told["way"], told["counts"]["sent"]) == ("done", "personal", 2)
    assert broadcasts(stage, slug) == []
    assert [stage.heard(slug, f"dev-{slug}-{n}") for n in (1, 2, 3)] == [[MESSAGE["text"]], [], [MESSAGE["text"]]]
    assert "campaign.told_one_by_one" in await acts(stage, slug, campaign)


async def test_who_opts_out_while_zalo_makes_the_article_is_not_told(stage: Stage) -> None:
    slug = "son-la"
    await stage.alone(slug, 2)
    stage.house.zalo.world.articles.seconds = 3600
    campaign = await stage.released(slug, message=MESSAGE)
    told = await moved(stage, slug, campaign)
    assert (told["state"], told["way"]) == ("approved", None)
    assert "chờ" in told["trouble"]
    await stage.says(slug, f"dev-{slug}-1", granted=False)
    with clock.shifted(timedelta(hours=2)):
        told = await moved(stage, slug, campaign)
    assert (told["way"], told["counts"]["sent"], broadcasts(stage, slug)) == ("personal", 1, [])


async def test_a_promotion_is_broadcast_only_where_every_follower_agreed_and_counts_for_their_day(stage: Stage) -> None:
    slug = "quang-tri"
    await stage.alone(slug, 2)
    await stage.says(slug, f"dev-{slug}-1", granted=True)
    one = await moved(stage, slug, await stage.released(slug, kind="promotion", message=MESSAGE))
    assert (one["way"], one["counts"]["sent"], broadcasts(stage, slug)) == ("personal", 1, [])
    with clock.shifted(timedelta(days=1)):
        await stage.says(slug, f"dev-{slug}-2", granted=True)
        two = await moved(stage, slug, await stage.released(slug, kind="promotion", message=MESSAGE))
        assert (two["way"], two["counts"]["sent"], broadcasts(stage, slug)) == ("broadcast", 2, [2])
        three = await moved(stage, slug, await stage.released(slug, kind="promotion"))
        assert (three["counts"]["sent"], three["counts"]["queued"]) == (0, 2), "one promotion a day"


@pytest.mark.parametrize(("kind", "way"), [("announcement", None), ("emergency", "personal")])
async def test_at_night_an_article_waits_and_an_emergency_is_told_one_by_one(
    stage: Stage, kind: str, way: str | None
) -> None:
    slug = "gia-lai" if way else "lang-son"
    await stage.alone(slug, 1)
    with clock.shifted(timedelta(hours=11, minutes=40)):  # 21:40: Zalo's look at it would end in the night
        await stage.citizen(slug, f"dev-{slug}-1")
        campaign = await stage.released(slug, kind=kind, message=MESSAGE)
        told = await moved(stage, slug, campaign)
        assert (told["way"], told["counts"]["sent"]) == (way, 1 if way else 0)
        assert broadcasts(stage, slug) == []
    if way is None:
        assert "sáng mai" in told["trouble"]
        with clock.shifted(timedelta(hours=21)):
            assert (await moved(stage, slug, campaign))["way"] == "broadcast"


async def test_what_zalo_refuses_to_make_or_to_broadcast_is_told_one_by_one(stage: Stage) -> None:
    slug, world = "thai-nguyen", stage.house.zalo.world
    await stage.alone(slug, 1)
    await stage.citizen(slug, f"dev-{slug}-1")
    world.articles.left = 0
    try:
        told = await moved(stage, slug, await stage.released(slug, message=MESSAGE))
    finally:
        world.articles.left = None
    assert (told["state"], told["way"]) == ("done", "personal")
    assert stage.heard(slug, f"dev-{slug}-1")[-1] == MESSAGE["text"]
    world.faults.add(Fault(kind="error", oa=slug, call="cs", count=1, code=-224))
    told = await moved(stage, slug, await stage.released(slug, message=MESSAGE))
    assert (told["state"], told["way"], broadcasts(stage, slug)) == ("done", "personal", [])


async def test_zalo_asking_to_wait_is_asked_again_later(stage: Stage) -> None:
    slug = "thanh-hoa"
    await stage.alone(slug, 1)
    stage.house.zalo.world.faults.add(Fault(kind="error", oa=slug, call="cs", count=1, code=-32))
    told = await moved(stage, slug, await stage.released(slug, message=MESSAGE), turns=6)
    assert (told["state"], told["way"], len(broadcasts(stage, slug))) == ("done", "broadcast", 1)


async def test_a_broadcast_whose_answer_is_lost_is_uncertain_and_never_repeated(stage: Stage) -> None:
    slug = "tay-ninh"
    await stage.alone(slug, 3)
    stage.house.zalo.world.faults.add(Fault(kind="reply_lost", oa=slug, call="cs", count=1))
    told = await moved(stage, slug, await stage.released(slug, message=MESSAGE), turns=6)
    assert (told["state"], told["counts"]["uncertain"], told["counts"]["sent"]) == ("done", 3, 0)
    assert broadcasts(stage, slug) == [3]


async def asked(stage: Stage, slug: str, what: str, refusal: int | None = None) -> "asyncio.Task[bool]":
    """A process that has just asked Zalo for the article (`article`) or its broadcast (`cs`); the answer takes its time, and may be a
    `refusal`."""
    tenant, faults = stage.tenant(slug), stage.house.zalo.world.faults
    if what == "cs":
        await stage.fanout().move([tenant.id])
    slow = faults.add(Fault(kind="latency", oa=slug, call=what, ms=400, count=1))  # type: ignore[arg-type]
    if refusal is not None:
        faults.add(Fault(kind="error", oa=slug, call="cs", count=1, code=refusal))
    turn = asyncio.create_task(stage.fanout().move([tenant.id]))
    while not slow.struck:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    return turn


@pytest.mark.parametrize("what", ["article", "cs"])
async def test_a_process_that_dies_before_zalo_answers_repeats_nothing(stage: Stage, what: str) -> None:
    slug = "bac-ninh" if what == "cs" else "ha-tinh"
    await stage.alone(slug, 2)
    articles = stage.house.zalo.world.articles
    campaign = await stage.released(slug, message=MESSAGE)
    made, sent = len(articles.by_id), len(broadcasts(stage, slug))
    turn = await asked(stage, slug, what)
    turn.cancel()
    await asyncio.wait({turn})
    while len(broadcasts(stage, slug)) == sent if what == "cs" else len(articles.by_id) == made:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    told = await moved(stage, slug, campaign)
    assert told["counts"]["sent"] == 0, "nobody knows yet"
    with clock.shifted(timedelta(minutes=3)):
        told = await moved(stage, slug, campaign)
    assert (len(articles.by_id), len(broadcasts(stage, slug))) == (made + 1, sent + (what == "cs")), (
        "nothing is asked for twice"
    )
    if what == "cs":
        assert (told["state"], told["counts"]["uncertain"]) == ("done", 2)
    else:
        assert (told["way"], told["counts"]["sent"]) == ("personal", 2)


@pytest.mark.parametrize(("act", "state"), [("pause", "paused"), ("cancel", "cancelled")])
async def test_what_somebody_does_while_zalo_is_asked_holds_when_zalo_refuses(
    stage: Stage, act: str, state: str
) -> None:
    slug = "gia-lai"
    await stage.alone(slug, 2)
    campaign = await stage.released(slug, message=MESSAGE)
    turn = await asked(stage, slug, "cs", refusal=-224)
    assert (await stage.call(slug, "POST", f"/{campaign}/{act}"))[0] == 200
    await turn
    told = await moved(stage, slug, campaign)
    assert (told["state"], told["way"], told["counts"]["total"]) == (state, "personal", 0)
    if act == "pause":
        await stage.call(slug, "POST", f"/{campaign}/resume")
        told = await moved(stage, slug, campaign)
        assert (told["state"], told["counts"]["sent"]) == ("done", 2)


async def test_testers_are_shown_the_article_before_anybody_approves_it(stage: Stage) -> None:
    slug = "hue"
    await stage.alone(slug, 1)
    await stage.tester(slug, f"dev-{slug}-1")
    made = await stage.draft(slug, message=MESSAGE)
    status, told = await stage.call(slug, "POST", f"/{made['id']}/test", body={})
    assert (status, told["queued"]) == (202, 1)
    put = await stage.run(
        slug,
        "SELECT lane FROM outbox_messages WHERE tenant_id = :tenant AND cause = :cause",
        cause=f"campaign-test:{made['id']}",
    )
    assert [row.lane for row in put] == [2, 2]


@pytest.mark.parametrize(
    ("change", "audience", "wrong"),
    [
        ({"cover_url": "http://tinh.gov.vn/a.jpg"}, {"all_followers": True}, "https"),
        ({"title": "   "}, {"all_followers": True}, "title"),
        ({"body": [{"text": "a", "image_url": "https://tinh.gov.vn/a.jpg"}]}, {"all_followers": True}, "exactly one"),
        ({}, {"segment": {"tags": ["a"]}}, "all_followers"),
    ],
)
async def test_an_article_that_could_not_go_out_is_no_draft(
    stage: Stage, change: dict[str, Any], audience: dict[str, Any], wrong: str
) -> None:
    message = {"text": "Tin", "article": {**ARTICLE, **change}}
    body = {"name": "x", "class": "announcement", "message": message, "audience": audience}
    status, told = await stage.call("hue", "POST", "", body=body)
    assert status in (400, 422)
    assert wrong in str(told), told
