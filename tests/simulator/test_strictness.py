"""What Zalo would refuse, the simulator refuses, with the code of the fact sheet and the name of the field."""

import io
import unicodedata
from datetime import timedelta

import aiohttp
import pytest

from govchat.kit import clock

BUTTON = {"title": "Tra cứu", "type": "oa.query.show", "payload": "#TRACUU"}
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def buttons(*given):
    return {"text": "Chọn", "attachment": {"type": "template", "payload": {"buttons": list(given)}}}


def template(**payload):
    return {"attachment": {"type": "template", "payload": payload}}


def media(**element):
    return template(template_type="media", elements=[element])


TAKEN = {
    "text": {"text": "xin chào"},
    "text of 2000 characters": {"text": "ế" * 2000},
    "empty quote": {"text": "a", "quote_message_id": ""},
    "five buttons": buttons(*[BUTTON] * 5),
    "link": buttons({"title": "Mở", "type": "oa.open.url", "payload": {"url": "https://dichvucong.gov.vn"}}),
    "link to this machine": buttons(
        {"title": "Mở", "type": "oa.open.url", "payload": {"url": "http://127.0.0.1:8000/q/x"}}
    ),
    "phone": buttons({"title": "Gọi", "type": "oa.open.phone", "payload": {"phone_code": "842963"}}),
    "sms": buttons({"title": "SMS", "type": "oa.open.sms", "payload": {"content": "a", "phone_code": "842963"}}),
    "hidden query": buttons({"title": "Ẩn", "type": "oa.query.hide", "payload": "x" * 1000}),
    "image by url": {"text": "ảnh", **media(media_type="image", url="https://x.vn/a.png")},
    "gif": media(media_type="gif", url="https://x.vn/a.gif", width=10, height=10),
    "sticker": media(media_type="sticker", attachment_id="bfe458bf64fa8da4d4eb"),
    "form": template(
        template_type="request_user_info",
        elements=[{"title": "Chia sẻ", "subtitle": "để nhận tin", "image_url": "https://x.vn/a.png"}],
    ),
    "list": template(
        template_type="list",
        elements=[
            {
                "title": "a",
                "subtitle": "b",
                "image_url": "https://x.vn/a.png",
                "default_action": {"type": "oa.open.url", "url": "https://x.vn"},
            }
        ],
        buttons=[],
    ),
}

REFUSED = {
    "no text": ({}, -201, "message.text"),
    "blank text": ({"text": "  "}, -201, "message.text"),
    "text is a number": ({"text": 5}, -201, "message.text"),
    "text of 2001 characters": ({"text": "ế" * 2001}, -201, "2000"),
    "text not normalised": ({"text": unicodedata.normalize("NFD", "ế" * 1000)}, -201, "2000"),
    "unknown field": ({"text": "a", "tracking_id": "x"}, -201, "tracking_id"),
    "quote by the name of reactions": ({"text": "a", "react_message_id": "x"}, -201, "react_message_id"),
    "quote of nothing": ({"text": "a", "quote_message_id": "nope"}, -201, "quote_message_id"),
    "plain image": (
        {"attachment": {"type": "image", "payload": {"url": "https://x.vn/a.png"}}},
        -201,
        "attachment.type",
    ),
    "attachment without payload": ({"attachment": {"type": "template"}}, -201, "payload"),
    "six buttons": (buttons(*[BUTTON] * 6), -201, "at most 5"),
    "no buttons": (buttons(), -201, "buttons"),
    "buttons without text": (template(buttons=[BUTTON]), -201, "message.text"),
    "title of 101 characters": (buttons({**BUTTON, "title": "x" * 101}), -201, "title"),
    "empty title": (buttons({**BUTTON, "title": ""}), -201, "title"),
    "unknown type": (buttons({**BUTTON, "type": "oa.open.app"}), -201, "type"),
    "payload of 1001 characters": (buttons({**BUTTON, "payload": "x" * 1001}), -201, "payload"),
    "query with object": (buttons({**BUTTON, "payload": {"a": 1}}), -201, "payload"),
    "plain http link": (buttons({"title": "a", "type": "oa.open.url", "payload": {"url": "http://x.vn"}}), -201, "url"),
    "link as string": (buttons({"title": "a", "type": "oa.open.url", "payload": "https://x.vn"}), -201, "payload"),
    "phone with zero": (
        buttons({"title": "a", "type": "oa.open.phone", "payload": {"phone_code": "0912"}}),
        -201,
        "phone_code",
    ),
    "one bad button of two": (buttons(BUTTON, {**BUTTON, "title": 1}), -201, "buttons[1]"),
    "two images": (
        template(template_type="media", elements=[{"media_type": "image", "url": "https://x.vn/a"}] * 2),
        -201,
        "elements",
    ),
    "image by url and id": (media(media_type="image", url="https://x.vn/a", attachment_id="x"), -201, "exactly one"),
    "image of nobody": (media(media_type="image", attachment_id="x"), -201, "attachment_id"),
    "gif without size": (media(media_type="gif", url="https://x.vn/a.gif"), -201, "width"),
    "video": (media(media_type="video", url="https://x.vn/a.mp4"), -201, "media_type"),
    "file of nobody": ({"attachment": {"type": "file", "payload": {"token": "x"}}}, -201, "token"),
    "unknown template": (template(template_type="promotion", elements=[{}]), -233, "promotion"),
    "list of five": (template(template_type="list", elements=[{"title": "a"}] * 5), -201, "1 to 4"),
    "form without picture": (
        template(template_type="request_user_info", elements=[{"title": "a", "subtitle": "b"}]),
        -201,
        "image_url",
    ),
}


@pytest.mark.parametrize("name", TAKEN)
async def test_a_message_within_the_limits_is_taken(zalo, name):
    answer = await zalo.cs(TAKEN[name])
    assert answer["error"] == 0, answer
    assert answer["message"] == "Success"
    assert all(isinstance(answer["data"][key], str) for key in ("message_id", "user_id", "sent_time"))


@pytest.mark.parametrize("name", REFUSED)
async def test_a_message_over_the_limits_is_refused_by_the_name_of_its_field(zalo, name):
    message, code, said = REFUSED[name]
    answer = await zalo.cs(message)
    assert answer["error"] == code, answer
    assert said in answer["message"]
    assert not zalo.sim.world.messages("1001", "u1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"{}",
        b'{"recipient":{"user_id":"u1"}}',
        b'{"recipient":{"user_id":1},"message":{"text":"a"}}',
        b'{"recipient":{"user_id":"u1","oa":"x"},"message":{"text":"a"}}',
        b'{"user_id":"u1","message":{"text":"a"}}',
    ],
)
async def test_a_body_of_another_shape_is_an_invalid_parameter(zalo, body):
    assert (await zalo.post("/v3.0/oa/message/cs", body))["error"] == -201


async def test_a_body_of_another_content_type_is_refused(zalo):
    body = {"recipient": {"user_id": "u1"}, "message": {"text": "a"}}
    answer = await zalo.post("/v3.0/oa/message/cs", body, **{"Content-Type": "text/plain"})
    assert answer["error"] == -201
    assert "Content-Type" in answer["message"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, -216),
        ({"access_token": "nonsense"}, -216),
        ({"Authorization": "Bearer TOKEN"}, -216),
        ({"ZALO_OA_ACCESS_TOKEN": "TOKEN"}, -216),
        ({"access_token": "Bearer TOKEN"}, -216),
    ],
)
async def test_a_token_in_another_place_is_no_token(zalo, http, headers, code):
    headers = {name: value.replace("TOKEN", zalo.token) for name, value in headers.items()}
    body = {"recipient": {"user_id": "u1"}, "message": {"text": "a"}}
    async with http.post(f"{zalo.sim.url}/v3.0/oa/message/cs", json=body, headers=headers) as reply:
        assert (await reply.json())["error"] == code


async def test_a_token_in_the_query_finds_no_address(zalo, http):
    async with http.post(f"{zalo.sim.url}/v3.0/oa/message/cs?access_token={zalo.token}", json={}) as reply:
        assert reply.status == 404


async def test_a_wrong_proof_is_refused_and_a_right_one_taken(zalo):
    body = {"recipient": {"user_id": "u1"}, "message": {"text": "a"}}
    assert (await zalo.post("/v3.0/oa/message/cs", body, appsecret_proof="0" * 64))["error"] == -242
    import hashlib
    import hmac

    proof = hmac.new(b"app-secret-1", zalo.token.encode(), hashlib.sha256).hexdigest()
    assert (await zalo.post("/v3.0/oa/message/cs", body, appsecret_proof=proof))["error"] == 0


async def test_each_recipient_is_refused_for_the_right_reason(zalo):
    world = zalo.sim.world
    hello = {"text": "a"}
    assert (await zalo.cs(hello, "stranger"))["error"] == -201
    assert (await zalo.cs(hello, "dev-an-giang-7"))["error"] == -232
    assert (await zalo.cs(hello, "dev-ca-mau-7"))["error"] == -201, "a follower of another OA is nobody here"
    person = world.person("1001", "u1")
    person.blocked = True
    assert (await zalo.cs(hello))["error"] == -244
    person.blocked, person.banned = False, True
    assert (await zalo.cs(hello))["error"] == -227
    person.banned = False
    await zalo.sim.unfollow("an-giang", "u1")
    assert (await zalo.cs(hello))["error"] == -213
    await zalo.sim.say("an-giang", "u1", "tôi quay lại")
    assert (await zalo.cs(hello))["error"] == 0
    world.seed("1001", 10)
    assert (await zalo.cs(hello, "dev-an-giang-7"))["error"] == 0
    assert (await zalo.cs(hello, "dev-an-giang-11"))["error"] == -232


async def test_the_window_closes_after_seven_days_and_costs_after_two(zalo):
    async def after(**by):
        with clock.shifted(timedelta(**by)):
            return await zalo.cs({"text": "a"}, token=token)

    with clock.shifted(timedelta(days=3)):
        token = zalo.sim.world.tokens.refresh({"1002"}, "dev-refresh:1002", zalo.sim.world.now())[1].access_token
        zalo.sim.world.person("1002", "u1").interact(zalo.sim.world.now() - 3 * 86400)
    assert (await after(hours=47))["data"]["quota"]["quota_type"] == "reply"
    assert (await after(hours=49))["data"]["quota"]["quota_type"] == "sub_quota"
    token = _fresh(zalo, timedelta(days=6, hours=23))
    assert (await after(days=6, hours=23))["error"] == 0
    token = _fresh(zalo, timedelta(days=7, minutes=1))
    assert (await after(days=7, minutes=1))["error"] == -230


def _fresh(zalo, by):
    book = zalo.sim.world.tokens
    book.reset("1002")
    with clock.shifted(by):
        return book.refresh({"1002"}, "dev-refresh:1002", zalo.sim.world.now())[1].access_token


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v2.0/oa/message", -240),
        ("/v3.0/oa/message/transaction", -233),
        ("/v3.0/oa/message/promotion", -233),
        ("/v2.0/oa/updatefollowerinfo", -209),
    ],
)
async def test_what_zalo_shut_down_stays_shut(zalo, path, code):
    answer = await zalo.post(path, {"recipient": {"user_id": "u1"}, "message": {"text": "a"}})
    assert answer["error"] == code


async def _upload(zalo, kind, name, data, field="file"):
    form = aiohttp.FormData()
    form.add_field(field, io.BytesIO(data), filename=name)
    url = f"{zalo.sim.url}/v2.0/oa/upload/{kind}"
    async with zalo.http.post(url, data=form, headers={"access_token": zalo.token}) as reply:
        return await reply.json()


@pytest.mark.parametrize(
    ("kind", "name", "data", "code"),
    [
        ("image", "a.png", PNG, 0),
        ("image", "a.jpg", b"\xff\xd8\xff0", 0),
        ("image", "a", PNG, -201),
        ("image", "a.jpg", PNG, -201),
        ("image", "a.webp", PNG, -201),
        ("image", "a.png", PNG + bytes(1024 * 1024), -210),
        ("gif", "a.gif", b"GIF89a0", 0),
        ("gif", "a.png", PNG, -201),
        ("file", "a.pdf", b"%PDF-1.7", 0),
        ("file", "a.xlsx", b"PK\x03\x04", -201),
        ("file", "a.pdf", b"%PDF-" + bytes(5 * 1024 * 1024), -210),
        ("file", "a.pdf", b"%PDF-" + bytes(9 * 1024 * 1024), -210),
    ],
)
async def test_an_upload_keeps_zalos_rules(zalo, kind, name, data, code):
    assert (await _upload(zalo, kind, name, data))["error"] == code


async def test_an_upload_under_another_field_name_is_missing(zalo):
    assert (await _upload(zalo, "image", "a.png", PNG, field="image"))["error"] == -201


async def test_an_uploaded_picture_can_be_sent_for_seven_days_by_its_oa_alone(zalo):
    world = zalo.sim.world
    attachment_id = (await _upload(zalo, "image", "a.png", PNG))["data"]["attachment_id"]
    message = media(media_type="image", attachment_id=attachment_id)
    assert (await zalo.cs(message))["error"] == 0
    world.person("1002", "u1").interact(world.now())
    assert (await zalo.cs(message, token=zalo.tokens("1002")))["error"] == -201
    said = world.messages("1001", "u1")[-1]
    async with zalo.http.get(said.payload["url"]) as reply:
        assert await reply.read() == PNG
    upload = world.uploads.kept[attachment_id]
    world.uploads.kept[attachment_id] = type(upload)(
        upload.id, upload.oa_id, upload.kind, upload.name, upload.size, upload.born - 604_801
    )
    assert (await zalo.cs(message))["error"] == -100


async def test_reads_answer_in_zalos_shapes_and_refuse_what_is_too_much(zalo):
    await zalo.sim.say("an-giang", "u1", "xin chào")
    await zalo.cs({"text": "chào ông/bà"})
    detail = (await zalo.get("/v3.0/oa/user/detail", data={"user_id": "u1"}))["data"]
    assert detail["user_is_follower"] is True
    assert len(detail["user_last_interaction_date"].split("/")[2]) == 4
    talk = (await zalo.get("/v2.0/oa/conversation", data={"user_id": "u1", "offset": 0, "count": 10}))["data"]
    assert [(one["src"], one["message"]) for one in talk] == [(0, "chào ông/bà"), (1, "xin chào")]
    recent = (await zalo.get("/v2.0/oa/listrecentchat", data={"offset": 0, "count": 10}))["data"]
    assert recent[0]["message"] == "chào ông/bà"
    assert (await zalo.get("/v2.0/oa/getoa"))["data"]["oaid"] == "1001"
    assert (await zalo.get("/v2.0/oa/listrecentchat", data={"offset": 0, "count": 11}))["error"] == -210
    assert (await zalo.get("/v3.0/oa/user/getlist", data={"offset": 0, "count": 51}))["error"] == -210
    assert (await zalo.get("/v3.0/oa/user/getlist", data={"offset": 9952, "count": 50}))["error"] == -210
    assert (await zalo.get("/v3.0/oa/user/getlist", offset="0", count="10"))["error"] == -201
    assert (await zalo.get("/v3.0/oa/user/detail", data={"user_id": "dev-an-giang-1"}))["error"] == -213
    assert (await zalo.get("/v3.0/oa/nothing"))["error"] == 404


async def test_followers_are_listed_and_tagged(zalo):
    zalo.sim.world.seed("1001", 120)
    page = (
        await zalo.get("/v3.0/oa/user/getlist", data={"offset": 0, "count": 50, "last_interaction_period": "TODAY"})
    )["data"]
    assert len(page["users"]) == 50
    everyone = (await zalo.get("/v3.0/oa/user/getlist", data={"offset": 100, "count": 50}))["data"]
    assert (everyone["total"], len(everyone["users"])) == (121, 21)
    assert (await zalo.post("/v2.0/oa/tag/tagfollower", {"user_id": "u1", "tag_name": "phường 1"}))["error"] == 0
    assert (await zalo.get("/v2.0/oa/tag/gettagsofoa"))["data"] == ["phường 1"]
    tagged = await zalo.get("/v3.0/oa/user/getlist", data={"offset": 0, "count": 50, "tag_name": "phường 1"})
    assert tagged["data"]["users"] == [{"user_id": "u1"}]
    assert (await zalo.post("/v2.0/oa/tag/rmtag", {"tag_name": "phường 1"}))["error"] == 0
    assert (await zalo.get("/v2.0/oa/tag/gettagsofoa"))["data"] == []


async def test_quota_tells_the_last_interaction(zalo):
    answer = await zalo.post("/v3.0/oa/quota/message", {"user_id": "u1"})
    assert answer["data"]["cs_reply"]["remain"] == 8
    assert answer["data"]["last_interaction"].isdecimal()
    assert (await zalo.post("/v3.0/oa/quota/message", {"quota_owner": "ME"}))["error"] == -201
