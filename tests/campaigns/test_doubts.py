"""What an approver has to see before, and whoever waits sees later: names that nobody carries, hours of rest, a year that was mistyped."""

from datetime import datetime, time, timedelta

import pytest
from tests.campaigns.stage import Stage

from govchat.campaigns.doubt import rests_until
from govchat.kit import clock
from govchat.notices.quiet import Quiet


async def test_an_estimate_names_labels_that_nobody_carries_and_counts_unknown_ids(stage: Stage) -> None:
    slug = "tay-ninh"
    await stage.alone(slug, 2)
    body = {"commune": "Xã Tân Hà", "tags": ["trưởng thôn"]}
    assert (await stage.call(slug, "PUT", f"/labels/dev-{slug}-1", body=body))[0] == 200
    audience = {"segment": {"communes": ["xa tan ha", "Xã Tân Há"], "tags": ["trưởng thon", "bí thư"]}}
    warned = await warnings(stage, slug, audience=audience)
    assert [each.split('"')[1] for each in warned] == ["bí thư"]
    warned = await warnings(stage, slug, audience={"segment": {"communes": ["Xã Tân Ha", "Xã Tân Hòa"]}})
    assert [each.split('"')[1] for each in warned] == ["Xã Tân Hòa"], "the others are told, and nobody of that commune"
    warned = await warnings(stage, slug, audience={"user_ids": [f"dev-{slug}-1", "nobody", "nobody-else"]})
    assert warned == ["2 trong 3 mã Zalo (user_ids) không phải người mà Official Account này biết"]
    assert await warnings(stage, slug) == []


async def test_who_begins_at_night_is_told_when_anybody_hears_of_it(stage: Stage) -> None:
    slug = "quang-tri"
    await stage.alone(slug, 2)
    late = clock.now().astimezone(clock.VN).replace(hour=23, minute=0, second=0, microsecond=0)
    morning = f"06:00 ngày {late + timedelta(days=1):%d/%m/%Y}"
    (warned,) = await warnings(stage, slug, send_at=late.isoformat())
    assert warned == f"sẽ bắt đầu trong giờ nghỉ: không ai nhận được trước {morning}"
    assert await warnings(stage, slug, kind="emergency", send_at=late.isoformat()) == []
    with clock.shifted(late - clock.now()):
        campaign = await stage.released(slug)
        while (await stage.fanout().round())[0]:
            pass
        shown = await stage.shown(slug, campaign)
        assert (shown["state"], shown["counts"]["queued"]) == ("running", 2)
        assert shown["trouble"] == f"đang trong giờ nghỉ: gửi tiếp lúc {morning}"
        _, page = await stage.call(slug, "GET", "")
        assert page["items"][0]["trouble"] == shown["trouble"]
    assert (await stage.shown(slug, campaign))["trouble"] is None, "by day nothing holds it"


@pytest.mark.parametrize(
    ("kind", "hours", "at", "until"),
    [
        ("announcement", (22, 6), 22, 6),
        ("announcement", (22, 6), 5, 6),
        ("announcement", (22, 6), 21, None),
        ("announcement", (12, 14), 13, 14),
        ("announcement", (0, 0), 23, None),
        ("promotion", (0, 0), 23, 6),
        ("promotion", (20, 7), 21, 7),
        ("promotion", (5, 8), 23, 8),  # the province rests where the night ends
        ("emergency", (22, 6), 23, None),
    ],
)
def test_the_end_of_the_rest(kind: str, hours: tuple[int, int], at: int, until: int | None) -> None:
    moment = datetime(2026, 11, 23, at, 30, tzinfo=clock.VN)
    found = rests_until(kind, Quiet(time(hours[0]), time(hours[1])), moment)
    assert (found and found.astimezone(clock.VN).hour) == until
    assert found is None or found - moment < timedelta(hours=12)


async def test_a_moment_that_is_long_past_is_refused_and_one_that_has_just_passed_is_now(stage: Stage) -> None:
    body = {"name": "x", "class": "announcement", "message": {"text": "x"}, "audience": {"all_followers": True}}
    past = (clock.now() - timedelta(days=365)).isoformat()
    status, told = await stage.call("quang-tri", "POST", "", body=body | {"send_at": past})
    assert (status, told["code"]) == (422, "campaign_message_invalid")
    assert past[:10] in told["detail"]
    just = (clock.now() - timedelta(minutes=1)).isoformat()
    assert (await stage.call("quang-tri", "POST", "", body=body | {"send_at": just}))[0] == 201


async def warnings(stage: Stage, slug: str, **changes: object) -> list[str]:
    """What the estimate of such a draft warns of."""
    made = await stage.draft(slug, **changes)
    status, told = await stage.call(slug, "GET", f"/{made['id']}/estimate")
    assert status == 200, told
    return list(told["warnings"])
