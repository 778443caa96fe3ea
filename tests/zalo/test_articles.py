"""Articles: made, looked for, broadcast; what all followers may have seen is never taken for unsaid."""

import json

import pytest

from govchat.zalo import articles, errors
from govchat.zalo.errors import Kind, MessageInvalid, ZaloError

ACCESS = "an-access-token-of-thirty-and-more-characters"
ARTICLE = articles.article(
    title="Lịch tiếp công dân", author="UBND tỉnh", description="Tháng 12", cover_url="https://tinh.gov.vn/a.jpg",
    body=[articles.Paragraph("Từ 8 giờ"), articles.Picture("https://tinh.gov.vn/b.jpg", "Trụ sở")],
)  # fmt: skip


async def test_an_article_is_made_looked_for_and_broadcast_to_everybody(stand, client):
    stand.says({"data": {"token": "t1"}, "error": 0})
    assert await client.create_article(ACCESS, ARTICLE) == "t1"
    assert stand.last.path == "/v2.0/article/create"
    assert json.loads(stand.last.body) == {
        "type": "normal", "title": "Lịch tiếp công dân", "author": "UBND tỉnh", "description": "Tháng 12",
        "cover": {"cover_type": "photo", "photo_url": "https://tinh.gov.vn/a.jpg", "status": "show"},
        "body": [
            {"type": "text", "content": "Từ 8 giờ"},
            {"type": "image", "url": "https://tinh.gov.vn/b.jpg", "caption": "Trụ sở"},
        ],
        "status": "show", "comment": "hide",
    }  # fmt: skip
    stand.says({"error": -214, "message": "refused"})
    with pytest.raises(ZaloError) as caught:
        await client.verify_article(ACCESS, "t1")
    assert (caught.value.kind, caught.value.uncertain) == (Kind.wait, False)
    stand.says({"data": {"id": "a1"}, "error": 0})
    assert await client.verify_article(ACCESS, "t1") == "a1"
    stand.says({"data": {"message_id": "m1"}, "error": 0})
    assert await client.broadcast(ACCESS, "a1") == "m1"
    assert stand.last.path == "/v2.0/oa/message"
    elements = [{"media_type": "article", "attachment_id": "a1"}]
    payload = {"template_type": "media", "elements": elements}
    assert json.loads(stand.last.body) == {
        "recipient": {"target": {}}, "message": {"attachment": {"type": "template", "payload": payload}},
    }  # fmt: skip


@pytest.mark.parametrize("call", ["create_article", "broadcast"])
async def test_what_all_followers_may_have_seen_is_uncertain(stand, client, call):
    stand.says({"data": {}, "error": 0})
    with pytest.raises(errors.OutcomeUnknown) as caught:
        await (client.create_article(ACCESS, ARTICLE) if call == "create_article" else client.broadcast(ACCESS, "a1"))
    assert caught.value.uncertain


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("title", {"title": " "}), ("title", {"title": "x" * 151}), ("author", {"author": "x" * 51}), ("body", {"body": []}),
        ("description", {"description": "x" * 301}), ("cover_url", {"cover_url": "http://tinh.gov.vn/a.jpg"}),
        ("body[0].text", {"body": [articles.Paragraph("")]}), ("body[0].image_url", {"body": [articles.Picture("a.jpg")]}),
    ],
)  # fmt: skip
def test_an_article_that_zalo_would_not_take_names_its_part(field, change):
    good = {
        "title": "a",
        "author": "b",
        "description": "c",
        "cover_url": "https://tinh.gov.vn/a.jpg",
        "body": [articles.Paragraph("d")],
    }
    with pytest.raises(MessageInvalid) as caught:
        articles.article(**(good | change))
    assert caught.value.field == field
