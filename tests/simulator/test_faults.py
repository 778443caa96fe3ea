"""Faults strike who they are meant for, as often as they are told to, and leave the world as they promise."""

import asyncio

import aiohttp
import pytest

HELLO = {"text": "a"}


async def break_(zalo, **fault):
    return await zalo.control("POST", "faults", fault)


@pytest.mark.parametrize("code", [-32, -200, -216, -230, -248, -321])
async def test_any_code_of_the_table_can_be_asked_for(zalo, code):
    await break_(zalo, kind="error", code=code, count=1)
    answer = await zalo.cs(HELLO)
    assert answer["error"] == code
    assert len(answer["message"]) > 10
    assert (await zalo.cs(HELLO))["error"] == 0
    assert not zalo.sim.world.faults.listed()[0]["count"]


async def test_a_fault_of_one_oa_user_or_call_spares_the_others(zalo):
    world = zalo.sim.world
    world.person("1002", "u1").interact(world.now())
    other = zalo.tokens("1002")
    await break_(zalo, kind="error", code=-213, oa="an-giang", user="u2", call="cs")
    world.person("1001", "u2").interact(world.now())
    assert (await zalo.cs(HELLO, "u2"))["error"] == -213
    assert (await zalo.cs(HELLO, "u1"))["error"] == 0
    assert (await zalo.cs(HELLO, token=other))["error"] == 0
    assert (await zalo.get("/v3.0/oa/user/detail", data={"user_id": "u2"}))["error"] == 0


async def test_http_errors_come_without_json(zalo, http):
    await break_(zalo, kind="http", status=429, count=1)
    body = {"recipient": {"user_id": "u1"}, "message": HELLO}
    async with http.post(
        f"{zalo.sim.url}/v3.0/oa/message/cs", json=body, headers={"access_token": zalo.token}
    ) as reply:
        assert reply.status == 429
        assert reply.content_type == "text/html"


@pytest.mark.parametrize("kind", ["reset", "hang"])
async def test_a_cut_connection_did_nothing(zalo, kind):
    await break_(zalo, kind=kind, seconds=0.05, count=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await zalo.cs(HELLO)
    assert not zalo.sim.world.messages("1001", "u1")


async def test_a_lost_reply_was_said_all_the_same(zalo):
    await break_(zalo, kind="reply_lost", count=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await zalo.cs(HELLO)
    assert [message.text for message in zalo.sim.world.messages("1001", "u1")] == ["a"]
    await zalo.cs(HELLO)
    stats = await zalo.control("GET", "stats")
    assert (stats["accepted"], stats["repeated"], stats["faults"]) == (2, 1, {"reply_lost": 1})
    assert stats["repeats"] == [{"oa_id": "1001", "user_id": "u1", "text": "a"}]


async def test_latency_delays_and_changes_nothing(zalo):
    await break_(zalo, kind="latency", ms=80, jitter_ms=10)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert (await zalo.cs(HELLO))["error"] == 0
    assert loop.time() - begun >= 0.08


async def test_the_token_endpoint_breaks_too(zalo):
    fields = {"app_id": "11", "grant_type": "refresh_token", "refresh_token": "dev-refresh:1002"}
    await break_(zalo, kind="error", code=-14014, call="token", oa="bac-ninh", count=1)
    assert (await zalo.form(fields))["error"] == -14014
    await break_(zalo, kind="reply_lost", call="token", count=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await zalo.form(fields)
    assert (await zalo.form(fields))["error"] == -14020, "the lost reply used the token up"


async def test_probability_strikes_some_of_many(zalo):
    await break_(zalo, kind="error", code=-200, probability=0.5)
    errors = {(await zalo.cs(HELLO))["error"] for _ in range(64)}
    assert errors == {0, -200}


async def test_faults_are_listed_and_taken_back(zalo):
    first, second = await zalo.control(
        "POST", "faults", [{"kind": "reset", "oa": "ca-mau"}, {"kind": "hang", "oa": "1003"}]
    )
    assert [fault["id"] for fault in await zalo.control("GET", "faults")] == [first["id"], second["id"]]
    assert await zalo.control("DELETE", f"faults?id={first['id']}") == [{**second}]
    assert await zalo.control("DELETE", "faults") == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "boredom"},
        {"kind": "reset", "often": 1},
        {"kind": "reset", "oa": "nowhere"},
        {"kind": "error", "code": "x"},
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_with_a_sentence(zalo, fault):
    assert "error" in await zalo.control("POST", "faults", fault)
    assert await zalo.control("GET", "faults") == []


async def test_a_lost_echo_leaves_the_receipt(zalo, receiver):
    await break_(zalo, kind="echo_lost", count=1)
    await zalo.cs(HELLO)
    await receiver.wait(1)
    await zalo.cs({"text": "b"})
    await receiver.wait(3)
    assert [event["message"]["text"] for event in receiver.named("oa_send_text")] == ["b"]
    assert len(receiver.named("user_received_message")) == 2


async def test_webhooks_are_doubled_held_back_and_swallowed(zalo, receiver):
    await break_(zalo, kind="webhook_duplicate", event="user_send_text", count=1)
    await zalo.sim.say("1001", "u1", "một")
    await receiver.wait(2)
    assert receiver.got[0][1] == receiver.got[1][1]
    await zalo.control("DELETE", "faults")
    await break_(zalo, kind="webhook_reorder", seconds=0.15, count=1)
    slow = asyncio.create_task(zalo.sim.say("1001", "u1", "hai"))
    await asyncio.sleep(0)
    await zalo.sim.say("1001", "u1", "ba")
    await slow
    assert [event["message"]["text"] for event in receiver.events[2:]] == ["ba", "hai"]
    await break_(zalo, kind="webhook_lost", count=1)
    delivery = await zalo.sim.say("1001", "u1", "bốn")
    assert (delivery.sent, delivery.error) == (False, "webhook_lost")


async def test_a_webhook_that_is_down_climbs_the_ladder(zalo, receiver):
    zalo.sim.world.options.ladder_scale = 0.001
    await break_(zalo, kind="webhook_down", count=2)
    delivery = await zalo.sim.say("1001", "u1", "a")
    assert (delivery.sent, delivery.status) == (True, 0)
    await receiver.wait(1)
    assert receiver.got[0][0]["num_retry"] == "2"
