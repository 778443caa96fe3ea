"""What the product adds to a campaign is said in the province's words: how a promotion is refused, what stands where nothing is known."""

import pytest
from tests.campaigns.stage import Stage

from govchat.campaigns import message as words_of
from govchat.campaigns.message import article_of, body_of
from govchat.campaigns.schemas import ArticleIn, MessageIn, PartIn
from govchat.conversation.overrides import set_wording
from govchat.kit.phrases import overlaid
from govchat.zalo import messages

OWN = {
    "campaigns.button_no_more": "Tôi không nhận nữa",
    "campaigns.no_more": '{button} thì nhắn "{command}" nhé.',
    "outbox.instead_ten": "bà con",
    "outbox.instead_xa": "quê mình",
}


async def test_what_nobody_knows_of_somebody_is_said_as_the_province_says_it(stage: Stage) -> None:
    slug, user = "quang-ngai", "dev-quang-ngai-1"
    await stage.followers(slug, 1)
    await stage.says(slug, user, granted=True)
    tenant = stage.tenant(slug)
    async with stage.house.registry.db.tenant(tenant.id) as session:
        for key, said in OWN.items():
            await set_wording(session, tenant.id, key, said, actor="cli:an")
    campaign = await stage.released(slug, kind="promotion", message={"text": "Mời {ten} ở {xa} dự hội chợ."})
    assert (await stage.through(slug, campaign))["counts"]["sent"] == 1
    (heard,) = stage.heard(slug, user)
    assert "Mời bà con ở quê mình dự hội chợ." in str(heard)


def test_below_a_picture_and_in_an_article_it_is_spelled_out() -> None:
    given = MessageIn(text="Hội chợ.", image_url="https://hue.gov.vn/a.jpg")
    article = ArticleIn(
        title="Hội chợ", author="UBND", description="Mời dự", cover_url="https://hue.gov.vn/a.jpg",
        body=[PartIn(text="Từ ngày mai.")],
    )  # fmt: skip
    assert body_of(given, "promotion").cs.plain_text.endswith('\nNgừng nhận tin: nhắn "dừng".')  # type: ignore[union-attr]
    with overlaid(OWN):
        plain = body_of(MessageIn(text="Hội chợ."), "promotion")
        assert [(each.title, each.payload) for each in plain.cs.buttons] == [("Tôi không nhận nữa", "dừng")]  # type: ignore[union-attr]
        body = body_of(given, "promotion")
        assert body.cs is not None
        assert body.cs.plain_text.endswith('\nTôi không nhận nữa thì nhắn "dừng" nhé.')
        assert body.instead == {"ten": "bà con", "xa": "quê mình"}
        assert 'nhắn "dừng" nhé.' in str(article_of(article, "promotion"))
    assert body_of(given, "announcement").instead == {}


@pytest.mark.parametrize("kind", ["announcement", "promotion"])
def test_words_that_a_province_makes_longer_later_still_fit(kind: str) -> None:
    fits = 0
    for length in (1800, 1900, 1950, 1999):
        given = MessageIn(text="a" * length, image_url="https://hue.gov.vn/a.jpg")
        try:
            body_of(given, kind)  # type: ignore[arg-type]
        except words_of.CampaignMessageInvalid:
            continue
        fits += 1
        longest = {"campaigns.button_no_more": "b" * 30, "campaigns.no_more": "c" * 60 + " {button} {command}"}
        with overlaid(longest):
            body = body_of(given, kind)  # type: ignore[arg-type]
        assert body.cs is not None
        assert len(body.cs.plain_text) <= messages.TEXT_LIMIT
    assert fits >= 2
