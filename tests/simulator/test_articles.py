"""Articles and their broadcast, as strictly as Zalo: what may be made, when it is ready, who gets it and when."""

from datetime import timedelta
from typing import Any

import pytest

from govchat.kit import clock

A, B = "1001", "1002"
ARTICLE: dict[str, Any] = {
    "type": "normal", "title": "Lịch tiếp công dân", "author": "UBND tỉnh", "description": "Tháng 12",
    "cover": {"cover_type": "photo", "photo_url": "https://lamdong.gov.vn/a.jpg", "status": "show"},
    "body": [{"type": "text", "content": "Từ 8 giờ"}, {"type": "image", "url": "https://lamdong.gov.vn/b.jpg"}],
    "status": "show", "comment": "hide",
}  # fmt: skip


def by_day() -> Any:
    local = clock.now().astimezone(clock.VN)
    return clock.shifted(local.replace(hour=10, minute=0, second=0, microsecond=0) - local)


def sent(article: str, **target: Any) -> dict[str, Any]:
    elements = [{"media_type": "article", "attachment_id": article}]
    payload = {"template_type": "media", "elements": elements}
    return {"recipient": {"target": target}, "message": {"attachment": {"type": "template", "payload": payload}}}


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x" * 151}, {"author": ""}, {"description": "x" * 301}, {"cover": None}, {"body": []}, {"type": "video"},
        {"cover": {"cover_type": "photo", "photo_url": "http://x.vn/a.jpg"}}, {"status": "visible"}, {"colour": "red"},
        {"body": [{"type": "text", "content": "a", "style": "b"}]},
    ],
)  # fmt: skip
async def test_an_article_that_zalo_would_not_take_is_refused(zalo: Any, change: dict[str, Any]) -> None:
    assert (await zalo.post("/v2.0/article/create", {**ARTICLE, **change}))["error"] == -201


async def test_an_article_is_made_checked_and_broadcast_to_followers_by_day(zalo: Any) -> None:
    with by_day():
        world = zalo.sim.world
        world.seed(A, 3)
        world.seed(B, 2)
        world.be_born(A, 2)
        token = (await zalo.post("/v2.0/article/create", ARTICLE))["data"]["token"]
        assert (await zalo.post("/v2.0/article/verify", {"token": token}))["error"] == -214
        world.articles.seconds = 0
        token = (await zalo.post("/v2.0/article/create", ARTICLE))["data"]["token"]
        article = (await zalo.post("/v2.0/article/verify", {"token": token}))["data"]["id"]
        for wrong in (sent("none"), sent(article, cities=[64]), sent(article, hobby=[1])):
            assert (await zalo.post("/v2.0/oa/message", wrong))["error"] == -201
        assert (await zalo.post("/v2.0/oa/message", sent(article), token=zalo.tokens(B)))["error"] == -201
        with clock.shifted(timedelta(hours=12)):  # 22:00
            assert (await zalo.post("/v2.0/oa/message", sent(article)))["error"] == -234
        assert (await zalo.post("/v2.0/oa/message", sent(article, gender=[0])))["error"] == 0
        assert [(each.oa_id, each.followers) for each in world.articles.broadcasts] == [(A, 4)]
        (person, *_) = world.people[A].values()
        assert person.messages[-1].text.startswith("Lịch tiếp công dân")


async def test_hidden_articles_are_not_broadcast_and_their_number_ends(zalo: Any) -> None:
    with by_day():
        articles = zalo.sim.world.articles
        articles.seconds, articles.left = 0, 1
        token = (await zalo.post("/v2.0/article/create", {**ARTICLE, "status": "hide"}))["data"]["token"]
        article = (await zalo.post("/v2.0/article/verify", {"token": token}))["data"]["id"]
        assert (await zalo.post("/v2.0/oa/message", sent(article)))["error"] == -201
        refused = await zalo.post("/v2.0/article/create", ARTICLE)
        assert (refused["error"], "quota" in refused["message"]) == (-223, True)
