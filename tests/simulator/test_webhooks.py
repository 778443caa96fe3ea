"""Webhooks: signed over the raw bytes, shaped as the fact sheet says, delivered again when not taken."""

import asyncio
import hashlib

import pytest

from govchat.simulator.webhooks import signature


def test_the_signature_matches_the_published_vector():
    expected = "2f1ef5aabe67e8396a459ca89562e108ad541f82ba5022c85f645bd6b7220cb9"
    assert signature("X", b"BODY", "1234567890", "Y") == expected


async def test_every_webhook_is_signed_over_its_raw_bytes(sim, receiver):
    await sim.say("an-giang", "u1", "tra cứu “hồ sơ”")
    headers, body = receiver.got[0]
    timestamp = headers["X-ZEvent-Timestamp"]
    digest = hashlib.sha256(b"11" + body + timestamp.encode() + b"oa-secret-1").hexdigest()
    assert headers["X-ZEvent-Signature"] == f"mac={digest}"
    assert receiver.events[0]["timestamp"] == timestamp
    assert "tra cứu".encode() in body, "Vietnamese travels as UTF-8, not escaped"


async def test_a_text_arrives_in_zalos_shape(sim, receiver):
    delivery = await sim.say("1001", "u1", "xin chào")
    assert (delivery.sent, delivery.status) == (True, 200)
    event = receiver.events[0]
    assert event["event_name"] == "user_send_text"
    assert (event["app_id"], event["sender"], event["recipient"]) == ("11", {"id": "u1"}, {"id": "1001"})
    assert event["message"] == {"msg_id": delivery.msg_id, "text": "xin chào"}


async def test_the_same_citizen_is_another_id_in_every_oa_and_one_id_per_app(sim, receiver):
    world = sim.world
    ids = {oa: world.user_id_of(oa, "hien") for oa in ("1001", "1002", "1003")}
    for oa, user_id in ids.items():
        await sim.follow(oa, user_id)
    assert len(set(ids.values())) == 3
    by_app = [event["user_id_by_app"] for event in receiver.events]
    assert by_app[0] == by_app[1] != by_app[2]


async def test_all_that_a_citizen_does_reaches_the_app(sim, receiver):
    await sim.follow("1001", "u1")
    await sim.send_image("1001", "u1", b"\x89PNG", "giấy biên nhận.png")
    await sim.send_location("1001", "u1", 10.5, 105.25)
    await sim.tap("1001", "u1", "#TRACUU", show=False)
    await sim.submit_info("1001", "u1", {"name": "Lò Thị Mai", "phone": "84353000103", "city": "An Giang"})
    await sim.unfollow("1001", "u1")
    follow, image, location, tapped, info, unfollow = receiver.events
    assert (follow["event_name"], follow["follower"], follow["oa_id"]) == ("follow", {"id": "u1"}, "1001")
    picture = image["message"]["attachments"][0]
    assert picture["type"] == "image"
    assert picture["payload"]["url"].startswith(sim.url)
    place = location["message"]["attachments"][0]["payload"]["coordinates"]
    assert place == {"latitude": "10.500000", "longitude": "105.250000"}
    assert tapped["message"]["text"] == "#TRACUU"
    assert info["info"]["phone"] == "84353000103"
    assert info["info"]["full_address"]["user_city"] == "An Giang"
    assert unfollow["event_name"] == "unfollow"
    assert [message.kind for message in sim.world.messages("1001", "u1")] == ["image", "location"], (
        "a hidden query is not shown"
    )


async def test_a_send_is_echoed_received_and_seen(zalo, receiver):
    message_id = (await zalo.cs({"text": "chào"}))["data"]["message_id"]
    await receiver.wait(2)
    assert {event["event_name"] for event in receiver.events} == {"oa_send_text", "user_received_message"}
    assert all(event["message"]["msg_id"] == message_id for event in receiver.events)
    echo = receiver.named("oa_send_text")[0]
    assert echo["sender"] == {"id": "1001"}, "no admin_id: a program said it"
    await zalo.sim.see("1001", "u1")
    assert receiver.named("user_seen_message")[0]["message"]["msg_ids"] == [message_id]
    assert await zalo.sim.see("1001", "u1") is None, "seen once"
    await zalo.sim.type_by_hand("1001", "u1", "Tôi là cán bộ", "77")
    assert receiver.named("oa_send_text")[1]["sender"] == {"id": "1001", "admin_id": "77"}


async def test_what_is_not_taken_comes_again_unchanged_until_it_is(sim, receiver):
    sim.world.options.ladder_scale = 0.001
    receiver.statuses = [500, 401, 200]
    delivery = await sim.say("1001", "u1", "a")
    assert delivery.status == 500
    await receiver.wait(3)
    assert len({body for _, body in receiver.got}) == 1
    assert len({headers["X-ZEvent-Signature"] for headers, _ in receiver.got}) == 1
    assert [headers.get("num_retry") for headers, _ in receiver.got] == [None, "1", "2"]


async def test_after_the_last_rung_an_event_is_lost(sim, receiver):
    sim.world.options.ladder_scale = 0.001
    receiver.statuses = [500] * 6
    await sim.say("1001", "u1", "a")
    await receiver.wait(6)
    await sim.courier.settled()
    assert sim.world.stats.webhooks["lost"] == 1
    assert sim.world.stats.webhooks["redelivered"] == 5


async def test_an_answer_after_the_time_limit_is_none(sim, receiver):
    sim.world.options.webhook_timeout = 0.05
    sim.world.options.retry_on = "connection"
    receiver.delay = 0.2
    delivery = await sim.say("1001", "u1", "a")
    assert delivery.status == 0
    assert "0.05 s" in delivery.error


async def test_only_unreachable_receivers_are_retried_when_told_so(sim, receiver):
    sim.world.options.retry_on = "connection"
    sim.world.options.ladder_scale = 0.001
    receiver.statuses = [500]
    await sim.say("1001", "u1", "a")
    assert sim.courier.waiting() == 0
    assert len(receiver.got) == 1


async def test_saving_the_url_posts_an_unsigned_empty_object(zalo, receiver):
    assert await zalo.control("POST", "webhook/11/verify") == {"status": 200}
    headers, body = receiver.got[0]
    assert body == b"{}"
    assert "X-ZEvent-Signature" not in headers


async def test_answers_are_waited_for_and_their_absence_is_explained(zalo):
    await zalo.sim.say("an-giang", "u1", "xin chào")

    async def answer():
        await zalo.cs({"text": "một"})
        await zalo.cs({"text": "hai"})

    task = asyncio.create_task(answer())
    said = await zalo.sim.answers("an-giang", "u1", count=2)
    await task
    assert [message.text for message in said] == ["một", "hai"]
    await zalo.sim.say("an-giang", "u1", "còn nữa không")
    with pytest.raises(TimeoutError, match="said 0 of 1 messages"):
        await zalo.sim.answers("an-giang", "u1", timeout=0.05)
