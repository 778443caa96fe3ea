"""From an approved draft to messages at Zalo: everybody once, whatever is killed, and not more than the outbox has room for."""

from tests.campaigns.stage import Stage


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
